{#- Formulas of METHODS 'Scores' as SQL expressions over doubles. `z` is the two-sided point of the normal distribution. -#}

{#- Wilson score interval of a share; `side` is -1 (low) or 1 (high). Null where the denominator is 0; the ends at none and
    at all are exactly 0 and 1, which rounding would miss. -#}
{% macro wilson_bound(numerator, denominator, z, side) -%}
    {%- set p -%} ({{ numerator }} / nullif({{ denominator }}, 0)) {%- endset -%}
    case when {{ denominator }} > 0 and {{ numerator }} = {{ 0 if side < 0 else denominator }}
    then {{ 0.0 if side < 0 else 1.0 }} else greatest(0.0, least(1.0, (
        {{ p }} + {{ z }} * {{ z }} / (2 * {{ denominator }})
        + ({{ side }}) * {{ z }} * sqrt(
            greatest({{ p }} * (1 - {{ p }}), 0) / {{ denominator }}
            + {{ z }} * {{ z }} / (4 * {{ denominator }} * {{ denominator }})
        )
    ) / (1 + {{ z }} * {{ z }} / {{ denominator }}))) end
{%- endmacro %}

{#- Adjusted Wald interval of a net promoter score: three answers are added, 3/4 promoter and 3/4 detractor, and the ends
    are clipped to ±100. `numerator` = promoters − detractors, `squares` = promoters + detractors. -#}
{% macro nps_bound(numerator, squares, denominator, z, side) -%}
    {%- set n -%} ({{ denominator }} + 3) {%- endset -%}
    {%- set d -%} ({{ numerator }} / {{ n }}) {%- endset -%}
    greatest(-100.0, least(100.0, 100 * {{ d }} + ({{ side }}) * {{ z }} * 100 * sqrt(
        greatest(({{ squares }} + 1.5) / {{ n }} - {{ d }} * {{ d }}, 0) / {{ n }}
    )))
{%- endmacro %}

{#- Standard error of a net promoter score: 100·√((p + d − (p − d)²)/n). -#}
{% macro nps_standard_error(numerator, squares, denominator) -%}
    100 * sqrt(greatest(
        {{ squares }} / nullif({{ denominator }}, 0)
        - ({{ numerator }} / nullif({{ denominator }}, 0)) * ({{ numerator }} / nullif({{ denominator }}, 0)), 0
    ) / nullif({{ denominator }}, 0))
{%- endmacro %}

{#- Standard error of a mean, s/√n with the n − 1 of the sample: `numerator` = Σx (or Σwx), `squares` = Σx² (Σwx²). -#}
{% macro mean_standard_error(numerator, squares, denominator) -%}
    {%- set m -%} ({{ numerator }} / nullif({{ denominator }}, 0)) {%- endset -%}
    sqrt(greatest({{ squares }} / nullif({{ denominator }}, 0) - {{ m }} * {{ m }}, 0) / nullif(greatest({{ denominator }} - 1, 0), 0))
{%- endmacro %}

{#- Newcombe's interval of the difference of two shares, `share` less `previous`, from their Wilson intervals; `side` is -1
    or 1 (Newcombe 1998, method 10). -#}
{% macro newcombe_bound(share, low, high, previous, previous_low, previous_high, side) -%}
    {%- set near, far = (low, previous_high) if side < 0 else (high, previous_low) -%}
    ({{ share }} - {{ previous }}) + ({{ side }}) * sqrt(
        ({{ share }} - {{ near }}) * ({{ share }} - {{ near }}) + ({{ far }} - {{ previous }}) * ({{ far }} - {{ previous }})
    )
{%- endmacro %}

{#- Kish's effective number of cases behind a weighted figure: (Σw)²/Σw². -#}
{% macro effective_cases(weights, weight_squares) -%}
    ({{ weights }} * {{ weights }} / nullif({{ weight_squares }}, 0))
{%- endmacro %}

{#- Standard error of a share: √(p(1 − p)/n). -#}
{% macro share_standard_error(numerator, denominator) -%}
    sqrt(greatest(
        ({{ numerator }} / nullif({{ denominator }}, 0)) * (1 - {{ numerator }} / nullif({{ denominator }}, 0)), 0
    ) / nullif({{ denominator }}, 0))
{%- endmacro %}

{#- Standard error of the difference of two shares under one common share. -#}
{% macro pooled_standard_error(numerator, denominator, other_numerator, other_denominator) -%}
    {%- set p -%} (({{ numerator }} + {{ other_numerator }}) / nullif({{ denominator }} + {{ other_denominator }}, 0)) {%- endset -%}
    sqrt(greatest({{ p }} * (1 - {{ p }}), 0) * (1 / nullif({{ denominator }}, 0) + 1 / nullif({{ other_denominator }}, 0)))
{%- endmacro %}

{#- Degrees of freedom of Welch's test of two means, by their standard errors and numbers of answers (Welch 1947). -#}
{% macro welch_freedom(error, n, other_error, other_n) -%}
    {%- set a -%} ({{ error }} * {{ error }}) {%- endset -%}
    {%- set b -%} ({{ other_error }} * {{ other_error }}) {%- endset -%}
    ({{ a }} + {{ b }}) * ({{ a }} + {{ b }}) / nullif(
        {{ a }} * {{ a }} / nullif({{ n }} - 1, 0) + {{ b }} * {{ b }} / nullif({{ other_n }} - 1, 0), 0
    )
{%- endmacro %}

{#- The normal deviate that is as probable as a `t` (not 0) with so many degrees of freedom, to about 0.001 from 3 of them on
    (Wallace 1959): engines have no distribution of t. -#}
{% macro normal_deviate(t, freedom) -%}
    {{ t }} * (8 * {{ freedom }} + 1) / (8 * {{ freedom }} + 3)
    * sqrt({{ freedom }} * ln(1 + {{ t }} * {{ t }} / {{ freedom }})) / abs({{ t }})
{%- endmacro %}

{#- Probability of a normal deviate at least as far from 0, to 0.00000015 (Abramowitz & Stegun 26.2.17). -#}
{% macro two_sided_probability(z) -%}
    {%- set x -%} (1 / (1 + 0.2316419 * abs({{ z }}))) {%- endset -%}
    2 * 0.3989422804014327 * exp(-{{ z }} * {{ z }} / 2) * {{ x }} * (
        0.319381530 + {{ x }} * (-0.356563782 + {{ x }} * (1.781477937 + {{ x }} * (-1.821255978 + {{ x }} * 1.330274429)))
    )
{%- endmacro %}

{#- Cohen's h, the size of the difference of two shares whatever their number of cases (Cohen 1988): .2 small, .5 medium, .8 large. -#}
{% macro cohen_h(share, previous) -%}
    2 * asin(sqrt(least(1.0, greatest(0.0, {{ share }})))) - 2 * asin(sqrt(least(1.0, greatest(0.0, {{ previous }}))))
{%- endmacro %}

{#- The change of a cell of `bounded` from another one, its errors and the degrees of freedom of their test. -#}
{% macro changed_from(other, change) -%}
    bounded.known_value - {{ other }}.known_value as {{ change }},
    sqrt(
        bounded.standard_error * bounded.standard_error + {{ other }}.standard_error * {{ other }}.standard_error
    ) as {{ change }}_unpooled_error,
    case
        when bounded.interval_kind = 'wilson' then {{ pooled_standard_error(
            'bounded.base_numerator', 'bounded.base', other ~ '.base_numerator', other ~ '.base'
        ) }}
    end as {{ change }}_pooled_error,
    case
        when bounded.interval_kind = 'mean' then {{ welch_freedom(
            'bounded.standard_error', 'bounded.base', other ~ '.standard_error', other ~ '.base'
        ) }}
    end as {{ change }}_freedom
{%- endmacro %}

{#- How far beyond chance a change is, as a normal deviate. Without variance on either side nothing can be said. -#}
{% macro change_deviate(change) -%}
    {%- set t -%} ({{ change }} / nullif({{ change }}_unpooled_error, 0)) {%- endset -%}
    case
        when interval_kind = 'wilson' then {{ change }} / nullif({{ change }}_pooled_error, 0)
        when interval_kind = 'mean' and {{ change }} <> 0 then {{ normal_deviate(t, change ~ '_freedom') }}
        when interval_kind is not null then {{ t }}
    end
{%- endmacro %}

{#- Whether a change is beyond chance. -#}
{% macro is_change_significant(change) -%}
    case
        when {{ change }} is null or interval_kind is null then null
        when {{ change }} = 0 then false
        else abs({{ change }}_z) >= z
    end
{%- endmacro %}
