-- The experience marts by hand: the rows and values of the product's, on the data of benchmarks/warehouse/surveys.py.
-- $clean_… are the clean Parquet files; tickets, customers and seeds are those of the prepared warehouse. Weights, limits,
-- strata and the time zone (UTC+8) are literals, as they would be in a script for one company. The data has one version
-- per key, no deletions, no follow-ups, and no scene or survey that ends.
create schema floor;

create macro key_of(text) as coalesce((('0x' || md5(text)[1:16])::ubigint >> 1)::bigint, 0);
create macro local_date(instant) as (instant + interval 8 hours)::date;
create macro is_new(first_purchase_date, day) as
    case when first_purchase_date <= day then day - first_purchase_date <= 90 end;

create temp table survey as
select survey_id, purpose, wave, key_of(survey_id_space || chr(31) || survey_id) as survey_key
from read_parquet($clean_survey);

-- scale and turn of every question, and of its dimension the number by which it is scored
create temp table question as
select
    question_id, block, position, dimension, metric_role, scale_min, scale_max, direction,
    key_of(question_id_space || chr(31) || question_id) as question_key,
    (coalesce(direction, 'higher_is_better') = 'lower_is_better') <> coalesce(is_reverse_keyed, false) as is_turned,
    case
        when satisfied_min is null then case when scale_min = 1 and scale_max = 5 then 4 when scale_max = 10 then 9 end
        when is_turned then scale_min + scale_max - satisfied_min
        else satisfied_min
    end as turned_satisfied_min,
    if(coalesce(metric_role, 'dimension') = 'dimension', list_position([
        'response_speed', 'professionalism', 'problem_solving', 'attitude', 'transparency', 'follow_up',
        'product_quality', 'after_sales_support', 'cross_team_coordination', 'delivery_efficiency', 'price_perception'
    ], dimension), null)::utinyint as dimension_number,
    scale_min::integer || '-' || scale_max::integer || ' ' || coalesce(direction, 'higher_is_better') as scale
from read_parquet($clean_survey_question);

create temp table channel_key as
select channel, key_of('channel' || chr(31) || channel) as channel_key
from (
    select channel from read_parquet($clean_survey_invitation)
    union select channel from read_parquet($clean_survey_response)
);

create temp table ticket as
select
    ticket_id, ticket_key, customer_key, product_key, agent_key, service_partner_key, team_key, issue_type,
    issue_type_key, is_complaint
from marts.fct_ticket;

create temp table customer as
select resolved.customer_id, resolved.customer_key, buyer.first_purchase_date
from intermediate.int_customer_resolved as resolved
left join marts.dim_customer as buyer using (customer_key);

-- invitations, first as they were sent
create temp table invitation as
with answered as (
    select
        invitation_id,
        min(submitted_at) filter (coalesce(is_complete, true)) as completed_at,
        bool_or(coalesce(is_complete, true)) as is_completed,
        count(*) filter (is_counted) as counted
    from read_parquet($clean_survey_response)
    where invitation_id is not null
    group by invitation_id
)
select
    key_of(sent.invitation_id_space || chr(31) || sent.invitation_id) as invitation_key,
    sent.invitation_id, sent.source, sent.batch_id, survey.survey_key, survey.purpose, survey.wave,
    coalesce(customer.customer_key, ticket.customer_key, 0) as customer_key,
    coalesce(ticket.ticket_key, 0) as ticket_key, ticket.product_key, ticket.agent_key, ticket.service_partner_key,
    ticket.team_key,
    ticket.issue_type, ticket.issue_type_key, sent.channel, channel_key.channel_key, sent.stratum,
    sent.sampling_probability::double as sampling_probability, sent.sent_at, local_date(sent.sent_at) as sent_date,
    sent.reminded_at, sent.opened_at, answered.completed_at, sent.is_delivered, sent.is_counted,
    answered.invitation_id is not null as is_answered,
    coalesce(answered.is_completed, false) as is_completed,
    answered.counted
from read_parquet($clean_survey_invitation) as sent
left join answered using (invitation_id)
left join survey using (survey_id)
left join ticket using (ticket_id)
left join channel_key on sent.channel = channel_key.channel
left join customer using (customer_id);

create table floor.fct_survey_invitation as
with
-- a customer's first purchase, as its records say
buyer as (select customer_key, first_purchase_date from marts.dim_customer),
timed as (
    select
        *,
        is_completed and completed_at is null as is_untimed,
        epoch_us(completed_at) - epoch_us(sent_at) as response_time,
        epoch_us(timestamp '2026-06-30 16:00') - epoch_us(sent_at) as age
    from invitation
)
select
    invitation_key, invitation_id, source, batch_id, survey_key, purpose, wave, timed.customer_key,
    coalesce(version.customer_version_key, 0) as customer_version_key, ticket_key,
    coalesce(product_key, 0) as product_key, coalesce(agent_key, 0) as agent_key,
    coalesce(service_partner_key, 0) as service_partner_key, coalesce(team_key, 0) as team_key,
    issue_type, coalesce(issue_type_key, 0) as issue_type_key, channel, coalesce(channel_key, 0) as channel_key, stratum,
    sampling_probability, sent_at, sent_date, reminded_at, opened_at, completed_at,
    is_answered or is_delivered as delivered,
    is_answered or opened_at is not null as opened,
    is_answered as started,
    is_completed as completed,
    case when not is_untimed and age >= 86400000000 then coalesce(response_time <= 86400000000, false) end
        as responded_within_24h,
    case when not is_untimed and age >= 259200000000 then coalesce(response_time <= 259200000000, false) end
        as responded_within_72h,
    is_counted,
    is_new(first_purchase_date, sent_date) as is_new_customer,
    0::bigint as follow_up_of_response_key
from timed
left join buyer on timed.customer_key = buyer.customer_key
left join marts.dim_customer_version as version
    on timed.customer_key = version.customer_key
    and version.valid_from <= sent_at and version.valid_to > sent_at;

-- the wave of an invitation is its month, its stratum what the tool says, else the tier of the time
create temp table framed as
select
    invitation_key, survey_key, purpose, sent_at, sent_date, completed,
    date_trunc('month', sent_date)::date as wave_month, coalesce(stratum, version.tier) as stratum
from floor.fct_survey_invitation
left join marts.dim_customer_version as version using (customer_version_key);

create table floor.fct_survey_frame as
with
waves as (
    select survey_key, purpose, wave_month, min(sent_at) as sampled_at, min(sent_date) as sampling_date
    from framed group by all
),
complaints as (
    select customer_key, created_at, if(is_resolved, coalesce(resolved_at, closed_at), null) as ended_at
    from marts.fct_ticket where is_in_scope and is_complaint and customer_key <> 0
),
units as (
    select survey_key, wave_month, active.customer_key as unit_key, active.customer_key, sampled_at as unit_at
    from waves
    join marts.fct_customer_month as active on active.month_start_date = date_trunc('month', sampling_date)
    where purpose = 'relationship' and active.is_active
    union all
    select survey_key, wave_month, ticket_key, customer_key, first_resolved_at
    from waves
    join marts.fct_ticket on wave_month = date_trunc('month', local_date(first_resolved_at))
    where purpose = 'transactional' and is_in_scope
),
asked as (select distinct customer_key, sent_at from floor.fct_survey_invitation where customer_key <> 0),
asked_before as (
    select units.*, coalesce(asked.sent_at >= units.unit_at - interval 30 days, false) as is_left_out
    from units asof left join asked on units.customer_key = asked.customer_key and units.unit_at > asked.sent_at
),
complaining as (
    select distinct survey_key, wave_month, unit_key
    from units
    join complaints using (customer_key)
    where unit_at >= created_at and (ended_at is null or unit_at < ended_at)
),
population as (
    select
        survey_key, wave_month, version.tier as stratum, count(*) as population,
        count(*) filter (is_left_out or complaining.unit_key is not null) as excluded
    from asked_before
    left join complaining using (survey_key, wave_month, unit_key)
    left join marts.dim_customer_version as version
        on asked_before.customer_key = version.customer_key
        and version.valid_from <= unit_at and version.valid_to > unit_at
    group by all
),
sampled as (
    select
        framed.survey_key, wave_month, framed.stratum, count(*) as sampled, count(*) filter (completed) as responded,
        coalesce(sum(counted), 0)::bigint as counted
    from framed join invitation using (invitation_key)
    group by all
),
frames as (
    select
        survey_key, wave_month, stratum, population, excluded, coalesce(sampled, 0) as sampled,
        coalesce(responded, 0) as responded, coalesce(counted, 0) as counted
    from population full join sampled using (survey_key, wave_month, stratum)
    where stratum is not null
)
select
    key_of(concat_ws(chr(31), 'survey_frame', survey_key, strftime(wave_month, '%Y-%m'), stratum)) as frame_key,
    survey_key, purpose, strftime(wave_month, '%Y-%m') as wave, stratum,
    if(purpose = 'transactional', 'resolved_tickets', 'active_customers') as population_kind,
    sampled_at, sampling_date, population, excluded, sampled, responded, counted,
    population::double / nullif(counted, 0) as weight,
    case when population is null then 'no_population' when counted = 0 then 'no_counted' end as null_reason
from frames join waves using (survey_key, wave_month);

-- who a response is from and what it is about
create temp table response as
with placed as (
    select
        key_of(told.response_id_space || chr(31) || told.response_id) as response_key,
        told.response_id, told.source, told.batch_id, survey.survey_key, survey.purpose, survey.wave,
        coalesce(sent.invitation_key, 0) as invitation_key,
        coalesce(own.customer_key, nullif(sent.customer_key, 0), about.customer_key, 0) as customer_key,
        coalesce(about.ticket_key, sent.ticket_key, 0) as ticket_key,
        coalesce(about.product_key, sent.product_key, 0) as product_key,
        coalesce(about.agent_key, sent.agent_key, 0) as agent_key,
        coalesce(about.service_partner_key, sent.service_partner_key, 0) as service_partner_key,
        coalesce(about.team_key, sent.team_key, 0) as team_key,
        coalesce(about.issue_type, sent.issue_type) as issue_type,
        coalesce(about.issue_type_key, sent.issue_type_key, 0) as issue_type_key,
        coalesce(told.channel, sent.channel) as channel, told.language, sent.stratum, sent.sampling_probability,
        told.started_at, told.submitted_at, local_date(told.submitted_at) as submitted_date, told.duration_seconds,
        coalesce(told.is_complete, true) as is_complete, told.is_counted, told.not_counted_rules,
        nullif(trim(regexp_replace(told.flag_rules, '(^|,)[a-z_]+_unknown_[a-z_]+', '', 'g'), ','), '') as own_flags,
        told.answered_count, told.missing_required_count, told.optional_gap_count, told.longest_run, told.irv,
        told.relative_speed, told.even_odd, told.mahalanobis, told.psychometric_synonyms, told.careless_sign_count,
        told.quality_score
    from read_parquet($clean_survey_response) as told
    left join survey using (survey_id)
    left join invitation as sent on told.invitation_id = sent.invitation_id
    left join ticket as about on told.ticket_id = about.ticket_id
    left join customer as own on told.customer_id = own.customer_id
)
select
    placed.*, coalesce(channel_key.channel_key, 0) as channel_key,
    coalesce(version.customer_version_key, 0) as customer_version_key,
    is_new(buyer.first_purchase_date, submitted_date) as is_new_customer,
    coalesce(ticket.is_complaint, false) as is_about_complaint,
    case
        when purpose = 'transactional' then if(version.tier = 'vip', 1, 2)
        when purpose = 'relationship' then if(version.customer_type = 'company', 3, 4)
    end as scene_rank
from placed
left join channel_key on placed.channel = channel_key.channel
left join ticket on placed.ticket_key = ticket.ticket_key
left join marts.dim_customer as buyer on placed.customer_key = buyer.customer_key
left join marts.dim_customer_version as version
    on placed.customer_key = version.customer_key
    and version.valid_from <= coalesce(submitted_at, timestamp '2026-06-30 16:00')
    and version.valid_to > coalesce(submitted_at, timestamp '2026-06-30 16:00');

create table floor.fct_survey_answer as
with judged as (
    select
        answer.* exclude (is_not_applicable, answer_value),
        coalesce(answer.is_not_applicable, false) as is_not_applicable,
        if(coalesce(answer.is_not_applicable, false), null, answer.answer_value) as answer_value,
        question.* exclude (question_id),
        answer_value is not null and coalesce(answer_value >= scale_min, true) and coalesce(answer_value <= scale_max, true)
            as is_on_scale,
        if(is_turned, scale_min + scale_max - answer_value, answer_value) as turned_value
    from read_parquet($clean_survey_answer) as answer
    left join question using (question_id)
)
select
    key_of(concat_ws(chr(31), response_id_space, judged.response_id, question_id_space, question_id)) as answer_key,
    response.response_key, question_key, survey_key, judged.source, judged.batch_id, purpose, customer_key,
    customer_version_key, product_key, agent_key, service_partner_key, team_key, issue_type, channel, channel_key,
    is_new_customer,
    response.submitted_at, submitted_date, block, position, dimension, metric_role, scale_min, scale_max, direction,
    answer_value,
    case when is_on_scale and scale_max > scale_min
        then 100 * (turned_value - scale_min)::double / (scale_max - scale_min)::double end as answer_pomp,
    if(is_on_scale, turned_value >= turned_satisfied_min, null) as is_satisfied,
    answer_text, is_not_applicable, null::boolean as is_other, is_on_scale, judged.is_counted as is_own_counted,
    judged.is_counted and response.is_counted as is_counted
from judged join response using (response_id);

-- every score of a response in one pass over the answers
create temp table score as
select
    response_key,
    count(*) filter (answer_value is not null or answer_text is not null) as answered_count,
    max(answer_value) filter (metric_role = 'nps' and is_on_scale) as nps_score,
    max(answer_value) filter (metric_role = 'csat' and is_on_scale) as csat_score,
    max(answer_value) filter (metric_role = 'ces' and is_on_scale) as ces_score,
    max(answer_pomp) filter (metric_role = 'nps') as nps_pomp,
    max(answer_pomp) filter (metric_role = 'csat') as csat_pomp,
    max(answer_pomp) filter (metric_role = 'ces') as ces_pomp,
    max(answer_pomp) filter (metric_role = 'first_try') as first_try_pomp,
    bool_or(is_satisfied) filter (metric_role = 'csat') as csat_is_satisfied,
    any_value(scale) filter (metric_role = 'ces' and is_on_scale) as ces_scale,
    coalesce(bool_or(is_own_counted) filter (metric_role = 'nps' and is_on_scale), false) as is_nps_counted,
    coalesce(bool_or(is_own_counted) filter (metric_role = 'csat' and is_on_scale), false) as is_csat_counted,
    coalesce(bool_or(is_own_counted) filter (metric_role = 'ces' and is_on_scale), false) as is_ces_counted,
    coalesce(bool_or(is_own_counted) filter (metric_role = 'first_try' and is_on_scale), false) as is_first_try_counted,
    avg(answer_pomp) filter (is_own_counted and dimension_number = 1) as d1,
    avg(answer_pomp) filter (is_own_counted and dimension_number = 2) as d2,
    avg(answer_pomp) filter (is_own_counted and dimension_number = 3) as d3,
    avg(answer_pomp) filter (is_own_counted and dimension_number = 4) as d4,
    avg(answer_pomp) filter (is_own_counted and dimension_number = 5) as d5,
    avg(answer_pomp) filter (is_own_counted and dimension_number = 6) as d6,
    avg(answer_pomp) filter (is_own_counted and dimension_number = 7) as d7,
    avg(answer_pomp) filter (is_own_counted and dimension_number = 8) as d8,
    avg(answer_pomp) filter (is_own_counted and dimension_number = 9) as d9,
    avg(answer_pomp) filter (is_own_counted and dimension_number = 10) as d10,
    avg(answer_pomp) filter (is_own_counted and dimension_number = 11) as d11
from floor.fct_survey_answer
join (select question_key, dimension_number, scale from question) using (question_key)
group by response_key;

-- the index of every response by every scene; all weights of a scene add up to 100
create temp table csi as
with scene(scene, scene_rank, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11) as (
    values ('after_service_vip', 1, 30, 20, 25, 10, 10, 5, 0, 0, 0, 0, 0),
           ('after_service', 2, 20, 20, 30, 10, 10, 10, 0, 0, 0, 0, 0),
           ('relationship_company', 3, 0, 15, 0, 0, 0, 0, 25, 20, 20, 10, 10),
           ('relationship', 4, 0, 10, 0, 0, 0, 0, 30, 20, 5, 15, 20)
)
select
    response_key, scene, scene_rank,
    if(d1 is null, 0, w1) + if(d2 is null, 0, w2) + if(d3 is null, 0, w3) + if(d4 is null, 0, w4)
    + if(d5 is null, 0, w5) + if(d6 is null, 0, w6) + if(d7 is null, 0, w7) + if(d8 is null, 0, w8)
    + if(d9 is null, 0, w9) + if(d10 is null, 0, w10) + if(d11 is null, 0, w11) as answered_weight,
    coalesce(d1 * w1, 0) + coalesce(d2 * w2, 0) + coalesce(d3 * w3, 0) + coalesce(d4 * w4, 0) + coalesce(d5 * w5, 0)
    + coalesce(d6 * w6, 0) + coalesce(d7 * w7, 0) + coalesce(d8 * w8, 0) + coalesce(d9 * w9, 0)
    + coalesce(d10 * w10, 0) + coalesce(d11 * w11, 0) as weighted_pomp,
    answered_weight / 100 as csi_coverage,
    if(answered_weight >= 60, least(100.0, weighted_pomp / answered_weight), null) as csi_score
from score, scene
where answered_weight > 0;

create table floor.fct_survey_response as
select
    response.response_key, response_id, source, batch_id, response.survey_key, response.purpose, response.wave,
    response.invitation_key, customer_key, customer_version_key, ticket_key, product_key, agent_key,
    service_partner_key, team_key, issue_type, issue_type_key, channel, channel_key, language,
    coalesce(framed.stratum, response.stratum) as stratum,
    sampling_probability, coalesce(frame.frame_key, 0) as frame_key,
    if(is_counted, frame.weight, null) as sampling_weight,
    case
        when not is_counted then 'not_counted'
        when frame.weight is not null then null
        when response.invitation_key = 0 then 'no_invitation'
        when frame.frame_key is null then 'no_frame'
        else 'no_population'
    end as weight_null_reason,
    started_at, submitted_at, submitted_date, duration_seconds, is_complete, is_counted,
    null::boolean as is_ambiguous, nps_score::double as nps_score, csat_score::double as csat_score, csat_is_satisfied, csat_pomp, ces_score::double as ces_score,
    ces_scale, ces_pomp >= 80 as ces_is_top, first_try_pomp >= 100 as is_first_try_solved, csi.csi_score,
    case scene_rank when 1 then 'after_service_vip' when 2 then 'after_service' when 3 then 'relationship_company'
        when 4 then 'relationship' end as csi_scene,
    if(scene_rank is null, null, coalesce(csi.csi_coverage, 0)) as csi_coverage,
    is_counted and coalesce(is_nps_counted, false) as is_nps_counted,
    is_counted and coalesce(is_csat_counted, false) as is_csat_counted,
    is_counted and coalesce(is_ces_counted, false) as is_ces_counted,
    is_counted and coalesce(is_first_try_counted, false) as is_first_try_counted,
    coalesce(csat_pomp, nps_pomp) < 50 as is_low_score,
    coalesce(coalesce(csat_pomp, nps_pomp) < 50, false) or is_about_complaint as needs_closing,
    null::boolean as is_closed_loop,
    coalesce(response.answered_count, score.answered_count, 0) as answered_count,
    missing_required_count, optional_gap_count, longest_run, irv, relative_speed, even_odd, mahalanobis,
    psychometric_synonyms, careless_sign_count, quality_score,
    case when not_counted_rules is null then own_flags when own_flags is null then not_counted_rules
        else not_counted_rules || ',' || own_flags end as quality_flags,
    is_new_customer
from response
left join score using (response_key)
left join csi using (response_key, scene_rank)
left join framed on response.invitation_key = framed.invitation_key
left join floor.fct_survey_frame as frame
    on framed.survey_key = frame.survey_key
    and strftime(framed.wave_month, '%Y-%m') = frame.wave
    and framed.stratum = frame.stratum;

create table floor.fct_response_csi as
select
    key_of(csi.response_key || chr(31) || csi.scene_rank) as response_csi_key, csi.response_key, csi.scene,
    scene.name_en as scene_name_en, scene.name_zh as scene_name_zh, csi.scene_rank = response.scene_rank as is_own_scene,
    source, batch_id, survey_key, purpose, customer_key, customer_version_key, product_key, channel_key, submitted_date,
    csi_score, csi_coverage, is_counted
from csi
join response using (response_key)
join (select distinct on (scene_rank) scene_rank, name_en, name_zh from staging.stg_csi_scene) as scene
    on csi.scene_rank = scene.scene_rank;

create table floor.fct_dimension_period as
select
    key_of(concat_ws(chr(31), period_start, purpose, dimension, region)) as dimension_period_key,
    *
from (
    select
        date_trunc('month', submitted_date)::date as period_start, coalesce(purpose, '(none)') as purpose, dimension,
        coalesce(region, '(none)') as region, count(*) as answer_count, sum(answer_pomp) as pomp_sum,
        sum(answer_pomp * answer_pomp) as pomp_squares
    from floor.fct_survey_answer
    left join marts.dim_customer_version using (customer_version_key)
    where
        coalesce(metric_role, 'dimension') = 'dimension' and dimension is not null and answer_pomp is not null
        and is_counted and submitted_date is not null
    group by all
);

-- one open question per questionnaire; of phrases in a text those that no longer one covers
create table floor.fct_low_score_reason as
with
low as (select * from floor.fct_survey_response where is_low_score),
said as (
    select response_key, answer_text
    from floor.fct_survey_answer semi join low using (response_key)
    where length(trim(answer_text)) > 0
),
found as (
    select answer_text, phrase, reason_category
    from (select distinct answer_text from said) join staging.low_score_phrase on contains(lower(answer_text), phrase)
),
matched as (
    select answer_text, reason_category, phrase
    from found
    where reason_category is not null and not exists (
        from found as longer
        where longer.answer_text = found.answer_text and longer.phrase <> found.phrase
            and contains(longer.phrase, found.phrase)
    )
    qualify row_number() over (partition by answer_text, reason_category order by length(phrase) desc, phrase) = 1
),
reasons as (
    select
        low.response_key,
        case when said.response_key is null then 'no_words' else coalesce(reason_category, 'unclassified') end
            as reason_category,
        phrase, said.answer_text
    from low left join said using (response_key) left join matched on said.answer_text = matched.answer_text
)
select
    key_of(response_key || chr(31) || reason_category) as low_score_reason_key, response_key, reason_category,
    label_en as reason_label_en, label_zh as reason_label_zh, phrase, answer_text, source, batch_id, survey_key, purpose,
    customer_key, customer_version_key, product_key, team_key, agent_key, issue_type, channel, channel_key,
    submitted_date, is_counted
from reasons join low using (response_key) left join staging.low_score_reason using (reason_category);
