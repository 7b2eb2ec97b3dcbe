{#- The key of a survey's sampling frame: survey, wave and stratum; 0 without a stratum. -#}
{% macro frame_key(survey_key, wave, stratum) -%}
{{ surrogate_key(["'survey_frame'", "cast(" ~ survey_key ~ " as " ~ dbt.type_string() ~ ")", wave, stratum]) }}
{%- endmacro %}
