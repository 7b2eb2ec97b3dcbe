-- The wave and stratum of an invitation to a survey that has a sampling frame.
with

invitations as (

    select * from {{ ref('fct_survey_invitation') }}

),

customer_versions as (

    select * from {{ ref('dim_customer_version') }}

),

purposes as (

    select * from {{ ref('stg_sampling_purpose') }}

),

strata as (

    select * from {{ ref('stg_sampling_stratum') }}

),

placed as (

    select
        invitations.invitation_key,
        invitations.survey_key,
        invitations.purpose,
        invitations.customer_key,
        invitations.sent_at,
        invitations.sent_date,
        invitations.completed,
        purposes.population,
        purposes.recently_asked_days,
        purposes.wave = 'survey' and invitations.wave is not null as is_own_wave,
        case
            when purposes.wave = 'survey' and invitations.wave is not null then invitations.wave
            else substring(cast({{ month_start('invitations.sent_date') }} as {{ dbt.type_string() }}), 1, 7)
        end as wave,
        -- what the survey tool says of its sample, else the tier at the time of sending
        coalesce(invitations.stratum, strata.stratum, customer_versions.tier) as stratum
    from invitations
    inner join purposes on invitations.purpose = purposes.purpose
    left join customer_versions on invitations.customer_version_key = customer_versions.customer_version_key
    left join strata on customer_versions.tier = strata.tier

),

final as (

    select
        *,
        {{ frame_key('survey_key', 'wave', 'stratum') }} as frame_key
    from placed

)

select * from final
