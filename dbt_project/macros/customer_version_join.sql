{# Left join of the version of a fact's customer that held at an instant; `version` is its alias. #}
{% macro customer_version_join(customer_key, instant, version='customer_version') -%}
left join {{ ref('dim_customer_version') }} as {{ version }}
        on {{ version }}.customer_key = {{ customer_key }}
        and {{ version }}.valid_from <= {{ instant }}
        and {{ version }}.valid_to > {{ instant }}
{%- endmacro %}
