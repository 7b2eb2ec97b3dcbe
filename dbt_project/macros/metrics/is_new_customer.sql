{#- Whether a customer is new on a local date: the first contract or order lies at most `new_customer_days` before.
    Null where no purchase is known by that date: such a customer is neither new nor existing. -#}
{% macro is_new_customer(first_purchase_date, local_date) -%}
    case
        when {{ first_purchase_date }} <= {{ local_date }}
            then {{ dbt.datediff(first_purchase_date, local_date, 'day') }} <= {{ var('new_customer_days') }}
    end
{%- endmacro %}
