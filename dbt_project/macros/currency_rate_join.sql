{# Left join of the rate of a currency on a date to the installation's currency, whose own is 1; null: none is known. #}
{% macro currency_rate_join(currency, date, rate='currency_rate') -%}
left join {{ ref('stg_currency_rate') }} as {{ rate }}
        on {{ rate }}.currency = {{ currency }}
        and {{ rate }}.valid_from_date <= {{ date }}
        and {{ rate }}.valid_to_date > {{ date }}
{%- endmacro %}

{# An amount at a rate, rounded row by row so that sums are exact in any order; null at no rate. #}
{% macro converted(amount, rate='currency_rate.rate') -%}
cast(round(({{ amount }}) * {{ rate }}, 4) as decimal(18, 4))
{%- endmacro %}
