{#- What the semantic YAML says, as plain data for the models that render it. `graph` is empty while dbt parses, so all
    of this runs at execution only. What cannot be rendered raises, naming the metric. -#}

{#- Segments by which a metric may be cut, besides the total. -#}
{% macro metric_segments() %}
    {{ return([
        'channel', 'channel_group', 'region', 'product_line', 'model', 'issue_type', 'team', 'agent', 'service_partner',
        'tier', 'customer_type', 'is_new_customer', 'industry', 'dimension', 'satisfaction_band',
        'end_reason', 'stratum',
    ]) }}
{% endmacro %}

{% macro metric_failed(metric, message) %}
    {{ exceptions.raise_compiler_error('metric ' ~ metric ~ ': ' ~ message) }}
{% endmacro %}

{#- Measure name -> {measure, model (its semantic model), time (its time dimension), reachable (segments_of)}. -#}
{% macro metric_measures() %}
    {% set found = {} %}
    {% for model in graph.semantic_models.values() if model.measures %}
        {% set reachable = segments_of(model) %}
        {% for measure in model.measures %}
            {% set time_name = measure.agg_time_dimension or model.defaults.agg_time_dimension %}
            {% set times = model.dimensions | selectattr('name', 'equalto', time_name) | list %}
            {% if not times %}{{ metric_failed(measure.name, 'no time dimension ' ~ time_name) }}{% endif %}
            {% do found.update({measure.name: {
                'measure': measure, 'model': model, 'time': times[0], 'reachable': reachable,
            }}) %}
        {% endfor %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{#- The measure of a simple metric and whether gaps count as nothing. -#}
{% macro metric_part(metric, name, measures) %}
    {% if metric.type != 'simple' %}{{ metric_failed(name, 'input ' ~ metric.name ~ ' is not a simple metric') }}{% endif %}
    {% set input = metric.type_params.measure %}
    {% if metric.filter or input.filter or input.join_to_timespine %}
        {{ metric_failed(name, 'filters and time spines are not rendered; put the condition into the measure') }}
    {% endif %}
    {% if input.fill_nulls_with not in (none, 0) %}{{ metric_failed(name, 'gaps are filled with 0 or not at all') }}{% endif %}
    {{ return({
        'name': metric.name, 'measure': input.name, 'is_filled': input.fill_nulls_with == 0,
        'of': measures[input.name],
    }) }}
{% endmacro %}

{#- Semantic models that a segment of a fact comes from: the fact itself, or one behind a foreign entity of it.
    Returns {segment: {'own': dimension} or {'entity': …, 'dimension': …, 'model': …}}. -#}
{% macro segments_of(model) %}
    {% set reachable = {} %}
    {% for dimension in model.dimensions if dimension.type == 'categorical' and dimension.name in metric_segments() %}
        {% do reachable.update({dimension.name: {'own': dimension}}) %}
    {% endfor %}
    {% for entity in model.entities if entity.type == 'foreign' %}
        {% for other in graph.semantic_models.values() %}
            {% set keys = other.entities | selectattr('name', 'equalto', entity.name)
                | selectattr('type', 'equalto', 'primary') | list %}
            {% if keys %}
                {% for dimension in other.dimensions
                    if dimension.type == 'categorical' and dimension.name in metric_segments()
                    and dimension.name not in reachable %}
                    {% do reachable.update({
                        dimension.name: {'entity': entity, 'key': keys[0], 'dimension': dimension, 'model': other}
                    }) %}
                {% endfor %}
            {% endif %}
        {% endfor %}
    {% endfor %}
    {{ return(reachable) }}
{% endmacro %}

{#- Every metric that is published, sorted by name, as
    {name, label, description, type, meta, parts, value, numerator, denominator, n, squares, weight_squares, grains,
    segments}. The expressions are SQL over the names of the parts. -#}
{% macro metric_definitions() %}
    {% set measures = metric_measures() %}
    {% set by_name = {} %}
    {% for metric in graph.metrics.values() %}{% do by_name.update({metric.name: metric}) %}{% endfor %}
    {% set definitions = [] %}
    {% for metric in graph.metrics.values() | sort(attribute='name') %}
        {% set meta = metric.config.meta or {} %}
        {#- the manifest forgets `create_metric`; such a metric has its measure's name and, but for what its semantic
            model gives to all of them, nothing of its own -#}
        {% set own = meta.keys() | reject('equalto', 'snapshot') | list %}
        {% set is_part = metric.type == 'simple' and metric.type_params.measure.name == metric.name and not own %}
        {% if not is_part and meta.get('tidy', true) %}
            {% do definitions.append(metric_defined(metric, meta, by_name, measures)) %}
        {% endif %}
    {% endfor %}
    {% if not definitions %}
        {{ exceptions.raise_compiler_error('no metric is defined: dbt read no semantic YAML') }}
    {% endif %}
    {{ return(definitions) }}
{% endmacro %}

{% macro metric_defined(metric, meta, by_name, measures) %}
    {% set name = metric.name %}
    {% for key in ['label_zh', 'unit', 'direction', 'owner', 'source', 'requirement', 'valid_dimensions'] %}
        {% if not meta.get(key) %}{{ metric_failed(name, 'config.meta lacks ' ~ key) }}{% endif %}
    {% endfor %}
    {% if metric.filter %}{{ metric_failed(name, 'filters are not rendered; put the condition into the measure') }}{% endif %}
    {% set params = metric.type_params %}
    {% set parts = [] %}
    {% set written = {} %}
    {% if metric.type == 'simple' %}
        {% do parts.append(metric_part(metric, name, measures)) %}
        {% do written.update({
            'value': name, 'numerator': name if meta.is_additive else none, 'denominator': none,
            'n': meta.get('n') or (name if meta.is_additive else none),
        }) %}
    {% elif metric.type == 'ratio' %}
        {% for input in [params.numerator, params.denominator] %}
            {% if input.filter or input.offset_window or input.offset_to_grain %}
                {{ metric_failed(name, 'filters and offsets are not rendered') }}
            {% endif %}
            {% do parts.append(metric_part(by_name[input.name], name, measures)) %}
        {% endfor %}
        {% set top, bottom = parts[0].name, parts[1].name %}
        {% do written.update({
            'value': top ~ ' / nullif(' ~ bottom ~ ', 0)', 'numerator': top, 'denominator': bottom,
            'n': meta.get('n') or bottom,
        }) %}
    {% elif metric.type == 'derived' %}
        {% for input in params.metrics %}
            {% if input.filter or input.offset_window or input.offset_to_grain or input.alias %}
                {{ metric_failed(name, 'filters, offsets and aliases are not rendered') }}
            {% endif %}
            {% do parts.append(metric_part(by_name[input.name], name, measures)) %}
        {% endfor %}
        {% for key in ['numerator', 'denominator'] if not meta.get(key) %}
            {{ metric_failed(name, 'a derived metric states its ' ~ key ~ ' in config.meta') }}
        {% endfor %}
        {% do written.update({
            'value': params.expr, 'numerator': meta.numerator, 'denominator': meta.denominator,
            'n': meta.get('n') or meta.denominator,
        }) %}
    {% else %}
        {{ metric_failed(name, 'type ' ~ metric.type ~ ' is not rendered; mark it tidy: false') }}
    {% endif %}
    {% if not written.n %}{{ metric_failed(name, 'config.meta lacks n, the measure that counts its base') }}{% endif %}
    {% set interval = meta.get('interval') %}
    {% if interval not in (none, 'wilson', 'nps', 'mean') %}{{ metric_failed(name, 'no interval ' ~ interval) }}{% endif %}
    {% if interval == 'nps' and not meta.get('squares') %}
        {{ metric_failed(name, 'interval nps needs squares, the promoters and detractors together') }}
    {% endif %}
    {% if interval == 'mean' and (metric.type != 'ratio' or not meta.get('squares')) %}
        {{ metric_failed(name, 'interval mean needs a ratio, and squares, the measure of the sum of squares') }}
    {% endif %}
    {% if meta.get('weight_squares') and not (meta.get('n') and meta.get('unweighted')) %}
        {{ metric_failed(name, 'a weighted metric needs n, its cases with a weight, and unweighted, those without') }}
    {% endif %}
    {#- measures that are read beside the inputs: the base of a median or of a weighted score, squares, the tickets too
        young, the scale of a score -#}
    {% set beside = [] %}
    {% for key in ['n', 'too_young', 'weight_squares', 'unweighted'] if meta.get(key) %}
        {% do beside.append(meta[key]) %}
    {% endfor %}
    {% if interval == 'mean' %}{% do beside.append(meta.squares) %}{% endif %}
    {% do beside.extend(meta.get('one_scale') or []) %}
    {% set known = parts | map(attribute='name') | list %}
    {% for extra in beside | unique if extra not in known %}
        {% if extra not in by_name %}{{ metric_failed(name, 'config.meta names the unknown metric ' ~ extra) }}{% endif %}
        {% do parts.append(metric_part(by_name[extra], name, measures)) %}
    {% endfor %}
    {% set grains = meta.get('grains') %}
    {% if not grains %}
        {#- a fact by month has nothing to say about days and weeks -#}
        {% set states = parts | map(attribute='of.time') | map(attribute='type_params') | map(attribute='time_granularity')
            | map('string') | unique | list %}
        {% if states == ['day'] %}
            {% set grains = ['day', 'week', 'month', 'quarter', 'year'] %}
        {% elif 'month' in states and states | reject('in', ['day', 'month']) | list == [] %}
            {% set grains = ['month', 'quarter', 'year'] %}
        {% else %}
            {{ metric_failed(name, 'facts by ' ~ states | join(', ') ~ ' are not rendered') }}
        {% endif %}
    {% endif %}
    {% for segment in meta.valid_dimensions %}
        {% for part in parts if segment not in part.of.reachable %}
            {{ metric_failed(name, 'segment ' ~ segment ~ ' cannot be reached from ' ~ part.of.model.name) }}
        {% endfor %}
    {% endfor %}
    {{ return({
        'name': name, 'label': metric.label, 'description': metric.description, 'type': metric.type, 'meta': meta,
        'parts': parts, 'value': written.value, 'numerator': written.numerator, 'denominator': written.denominator,
        'n': written.n, 'squares': meta.get('squares'), 'too_young': meta.get('too_young'),
        'weight_squares': meta.get('weight_squares'), 'unweighted': meta.get('unweighted'),
        'one_scale': meta.get('one_scale'), 'grains': grains, 'segments': meta.valid_dimensions,
    }) }}
{% endmacro %}
