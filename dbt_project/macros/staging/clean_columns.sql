{# Names of the clean columns of an entity, in the contract's order, as its empty file states them. #}
{% macro clean_columns(entity) %}
    {% set found = run_query("describe select * from read_parquet('" ~ empty_file(entity) ~ "')") %}
    {{ return(found.columns[0].values() | list) }}
{% endmacro %}

{% macro empty_file(entity) %}
    {{ return(env_var('METRICS_WAREHOUSE_INPUTS') ~ '/empty/' ~ entity ~ '.parquet') }}
{% endmacro %}

{# Entity -> the columns of its natural key and the name of its key. #}
{% macro entity_keys() %}
    {{ return({
        'agent': {'natural': ['agent_id'], 'key': 'agent_key'},
        'asset': {'natural': ['asset_id'], 'key': 'asset_key'},
        'contract': {'natural': ['contract_id'], 'key': 'contract_key'},
        'customer': {'natural': ['customer_id'], 'key': 'customer_record_key'},
        'customer_identity': {'natural': ['customer_id', 'contact_id'], 'key': 'identity_key'},
        'follow_up': {'natural': ['follow_up_id'], 'key': 'follow_up_key'},
        'improvement_action': {'natural': ['action_id'], 'key': 'action_key'},
        'metric_target': {'natural': ['target_id'], 'key': 'target_key'},
        'order': {'natural': ['order_id'], 'key': 'order_key'},
        'product': {'natural': ['product_id'], 'key': 'product_key'},
        'review': {'natural': ['review_id'], 'key': 'review_key'},
        'service_partner': {'natural': ['service_partner_id'], 'key': 'service_partner_key'},
        'survey': {'natural': ['survey_id'], 'key': 'survey_key'},
        'survey_answer': {'natural': ['response_id', 'question_id'], 'key': 'answer_key'},
        'survey_invitation': {'natural': ['invitation_id'], 'key': 'invitation_key'},
        'survey_question': {'natural': ['question_id'], 'key': 'question_key'},
        'survey_response': {'natural': ['response_id'], 'key': 'response_key'},
        'team': {'natural': ['team_id'], 'key': 'team_key'},
        'ticket': {'natural': ['ticket_id'], 'key': 'ticket_key'},
        'ticket_event': {'natural': ['event_id'], 'key': 'event_key'},
        'usage': {'natural': ['customer_id', 'usage_date'], 'key': 'usage_key'},
        'visit': {'natural': ['visit_id'], 'key': 'visit_key'},
    }) }}
{% endmacro %}

{# Name of the key that stands for an id column: customers are resolved later, so theirs is the key of the record. #}
{% macro key_name(id_column) %}
    {% set name = id_column[:-3] if id_column.endswith('_id') else id_column %}
    {% set customers = ['customer', 'merged_into_customer'] %}
    {% if id_column == 'external_id' %}{{ return('external_customer_record_key') }}{% endif %}
    {{ return(name ~ ('_record_key' if name in customers else '_key')) }}
{% endmacro %}

{# [(name, expression)] of every key of an entity: its own, and one per id column of clean. #}
{% macro staged_keys(entity) %}
    {% set columns = clean_columns(entity) %}
    {% set own = entity_keys()[entity] %}
    {% set keys = [] %}
    {% if own.natural | length > 1 %}
        {% set parts = [] %}
        {% for column in own.natural %}
            {# a contact that is the customer itself has no id of its own #}
            {% if column == 'contact_id' %}
                {% do parts.extend(["coalesce(clean.contact_id_space, '')", "coalesce(clean.contact_id, '')"]) %}
            {% elif not column.endswith('_id') %}
                {# a date, say: it is the same in every key space #}
                {% do parts.append('cast(clean.' ~ column ~ ' as ' ~ dbt.type_string() ~ ')') %}
            {% else %}
                {% do parts.extend(['clean.' ~ column ~ '_space', 'clean.' ~ column]) %}
            {% endif %}
        {% endfor %}
        {% do keys.append((own.key, surrogate_key(parts))) %}
    {% endif %}
    {% for column in columns if column ~ '_space' in columns %}
        {% do keys.append((key_name(column), surrogate_key(['clean.' ~ column ~ '_space', 'clean.' ~ column]))) %}
    {% endfor %}
    {{ return(keys) }}
{% endmacro %}
