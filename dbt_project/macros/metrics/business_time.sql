{#
  Business time. A schedule's clock counts, in whole microseconds, the business time since the schedule began; the pieces of
  `stg_calendar_piece` say where it stands and whether it runs. So business time from a to b, both under one schedule:

    select {{ business_at('ended', 'clocks.stopped_at') }} - {{ business_at('began', 'clocks.started_at') }}
    from clocks
    {{ business_join('began', 'clocks.schedule', 'clocks.started_at') }}
    {{ business_join('ended', 'clocks.schedule', 'clocks.stopped_at') }}

  Null where a schedule has no calendar, and outside of the years that pieces are made for.
#}

{#- Left join, as `piece`, of the one piece of a schedule that holds an instant (UTC). Equal in schedule and UTC date, so
    that engines hash; within the day a handful of pieces is compared. -#}
{% macro business_join(piece, schedule, instant) -%}
left join {{ ref('stg_calendar_piece') }} as {{ piece }}
        on {{ piece }}.schedule = {{ schedule }}
        and {{ piece }}.piece_date = cast({{ instant }} as date)
        and {{ piece }}.starts_at <= {{ instant }}
        and {{ piece }}.ends_at > {{ instant }}
{%- endmacro %}

{#- The schedule's clock at an instant, in microseconds (bigint); `piece` is what `business_join` joined for it. -#}
{% macro business_at(piece, instant) -%}
    ({{ piece }}.business_before + case
        when {{ piece }}.is_business then {{ microseconds_between(piece ~ '.starts_at', instant) }}
        else 0
    end)
{%- endmacro %}

{#- Left join, as `mark`, of the place where the schedule's clock reaches `business` microseconds (bigint, above 0). -#}
{% macro due_join(mark, schedule, business) -%}
left join {{ ref('stg_calendar_mark') }} as {{ mark }}
        on {{ mark }}.schedule = {{ schedule }}
        and {{ mark }}.bucket = {{ business_bucket(business) }}
        and {{ mark }}.business_before < {{ business }}
        and {{ mark }}.business_after >= {{ business }}
{%- endmacro %}

{#- The earliest instant (UTC) at which the clock stands at `business`; null beyond the years that marks are made for. -#}
{% macro due_at(mark, business) -%}
    {{ microseconds_after(mark ~ '.starts_at', '(' ~ business ~ ' - ' ~ mark ~ '.business_before)') }}
{%- endmacro %}

{#- Buckets of 8 business hours, each with its end and without its beginning (include/configuration/business_time.py). -#}
{% macro business_bucket(business) -%}
    cast(({{ business }} - 1 - ({{ business }} - 1) % 28800000000) / 28800000000 as bigint)
{%- endmacro %}
