with

invitations as (

    select * from {{ ref('int_invitation_framed') }}

),

-- every invitation counts as having asked its customer, also one without a frame
asked as (

    select
        customer_key,
        sent_at
    from {{ ref('fct_survey_invitation') }}
    where customer_key <> 0

),

tickets as (

    select * from {{ ref('fct_ticket') }}
    where is_in_scope

),

active_customers as (

    select * from {{ ref('fct_customer_month') }}
    where is_active

),

strata as (

    select * from {{ ref('stg_sampling_stratum') }}

),

answered as (

    select
        invitation_key,
        count(*) as counted
    from {{ ref('stg_survey_response') }}
    where not is_deleted and is_counted and invitation_key <> 0
    group by invitation_key

),

waves as (

    select
        survey_key,
        purpose,
        population,
        wave,
        max(recently_asked_days) as recently_asked_days,
        min(sent_at) as sampled_at,
        min(sent_date) as sampling_date,
        case when max(is_own_wave) then min(sent_date) else {{ month_start('min(sent_date)') }} end as first_date,
        case when max(is_own_wave) then max(sent_date) else {{ month_end('min(sent_date)') }} end as last_date
    from invitations
    group by survey_key, purpose, population, wave

),

complaints as (

    select
        customer_key,
        created_at,
        case when is_resolved then coalesce(resolved_at, closed_at) end as ended_at
    from tickets
    where is_complaint and customer_key <> 0

),

resolved as (

    select
        ticket_key,
        customer_key,
        first_resolved_at,
        {{ local_date('first_resolved_at') }} as first_resolved_date
    from tickets
    where first_resolved_at is not null

),

-- who could have been asked: a customer on the sampling date, or a ticket at its first resolution, which no later
-- reopening moves
units as (

    select
        waves.survey_key,
        waves.wave,
        waves.recently_asked_days,
        active_customers.customer_key as unit_key,
        active_customers.customer_key,
        waves.sampled_at as unit_at
    from waves
    inner join active_customers
        on {{ month_start('waves.sampling_date') }} = active_customers.month_start_date
    where waves.population = 'active_customers'
    union all
    select
        waves.survey_key,
        waves.wave,
        waves.recently_asked_days,
        resolved.ticket_key as unit_key,
        resolved.customer_key,
        resolved.first_resolved_at as unit_at
    from waves
    inner join resolved
        on waves.first_date <= resolved.first_resolved_date
        and waves.last_date >= resolved.first_resolved_date
    where waves.population = 'resolved_tickets'

),

-- a unit with an open complaint, or asked a short time before, is not to be asked
left_out as (

    select
        units.survey_key,
        units.wave,
        units.unit_key
    from units
    inner join complaints
        on units.customer_key = complaints.customer_key
        and units.unit_at >= complaints.created_at
        and (complaints.ended_at is null or units.unit_at < complaints.ended_at)
    union
    select
        units.survey_key,
        units.wave,
        units.unit_key
    from units
    inner join asked
        on units.customer_key = asked.customer_key
        and units.unit_at > asked.sent_at
        and asked.sent_at >= {{ dbt.dateadd('day', '-1 * units.recently_asked_days', 'units.unit_at') }}

),

parts as (

    select
        units.survey_key,
        units.wave,
        coalesce(strata.stratum, customer_version.tier) as stratum,
        1 as population,
        case when left_out.unit_key is not null then 1 else 0 end as excluded,
        0 as sampled,
        0 as responded,
        0 as counted
    from units
    left join left_out
        on units.survey_key = left_out.survey_key
        and units.wave = left_out.wave
        and units.unit_key = left_out.unit_key
    {{ customer_version_join('units.customer_key', 'units.unit_at') }}
    left join strata on customer_version.tier = strata.tier
    union all
    select
        invitations.survey_key,
        invitations.wave,
        invitations.stratum,
        0 as population,
        0 as excluded,
        1 as sampled,
        case when invitations.completed then 1 else 0 end as responded,
        coalesce(answered.counted, 0) as counted
    from invitations
    left join answered on invitations.invitation_key = answered.invitation_key

),

counts as (

    select
        survey_key,
        wave,
        stratum,
        nullif(sum(population), 0) as population,
        sum(excluded) as excluded,
        sum(sampled) as sampled,
        sum(responded) as responded,
        sum(counted) as counted
    from parts
    where stratum is not null
    group by survey_key, wave, stratum

),

final as (

    select
        {{ frame_key('counts.survey_key', 'counts.wave', 'counts.stratum') }} as frame_key,
        counts.survey_key,
        waves.purpose,
        counts.wave,
        counts.stratum,
        waves.population as population_kind,
        waves.sampled_at,
        waves.sampling_date,
        cast(counts.population as bigint) as population,
        case when counts.population is not null then cast(counts.excluded as bigint) end as excluded,
        cast(counts.sampled as bigint) as sampled,
        cast(counts.responded as bigint) as responded,
        cast(counts.counted as bigint) as counted,
        cast(counts.population as double) / nullif(counts.counted, 0) as weight,
        case
            when counts.population is null then 'no_population'
            when counts.counted = 0 then 'no_counted'
        end as null_reason
    from counts
    inner join waves on counts.survey_key = waves.survey_key and counts.wave = waves.wave

)

select * from final
