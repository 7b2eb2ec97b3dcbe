{# What an order brought, refunds off, at the rate of `currency_rate_join`; a refund above the amount leaves less than 0. #}
{% macro order_revenue(ordered) -%}
{{ converted(ordered ~ '.amount - coalesce(' ~ ordered ~ '.refund_amount, 0)') }}
{%- endmacro %}

{# The same less its cost; null where that is unknown. #}
{% macro order_margin(ordered) -%}
{{ converted(ordered ~ '.amount - coalesce(' ~ ordered ~ '.refund_amount, 0) - ' ~ ordered ~ '.cost') }}
{%- endmacro %}
