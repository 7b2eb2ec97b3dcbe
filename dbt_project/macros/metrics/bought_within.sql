{# Whether a buyer's second day of orders came within so many days of the first one; null until they are over. #}
{% macro bought_within(buyers, days) -%}
case
            when as_of.as_of_date >= {{ add_days(buyers ~ '.first_order_date', days) }}
                then coalesce({{ buyers }}.second_order_date <= {{ add_days(buyers ~ '.first_order_date', days) }}, false)
        end
{%- endmacro %}
