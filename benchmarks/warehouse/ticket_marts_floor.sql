-- What one would write by hand for the six ticket marts of this benchmark, in DuckDB's own dialect, by the rules of the
-- models: the same rows, columns and values. Thresholds are literals. What the benchmark's tickets don't have is not
-- treated: several versions of a row, deletions, merges, assets, visits, call-backs, surveys, purchases; times before
-- the creation; two transfers, priority changes or calls of one ticket, or of unknown teams; a closing without a
-- resolution before; agents whose role changed; policies for some time, issue type or channel; time zones that shift.
set preserve_insertion_order = false;
set variable as_of = (select as_of from staging.stg_as_of);
set variable as_of_date = (select as_of_date from staging.stg_as_of);

create schema floor;
-- that of Asia/Shanghai, without a shift since 1991
create temp macro local_day(t) as cast(t + interval 8 hour as date);
create temp macro minutes(a, b) as (epoch_us(b) - epoch_us(a)) / 60000000;
create temp macro key63(text) as cast(cast('0x' || substr(md5(text), 1, 16) as ubigint) >> 1 as bigint);
-- one number for a schedule's day
create temp macro place(schedule, t) as schedule * 20000 + cast(cast(t as date) - date '2000-01-01' as integer);
create temp macro business(before, begin_1, end_1, begin_2, end_2, t) as
    before + greatest(least(epoch_us(t), end_1) - begin_1, 0) + greatest(least(epoch_us(t), end_2) - begin_2, 0);

-- Business time: per schedule and day of UTC what went before, and its slots (two at most; 0 to 0 where there is none).
create temp table schedule as
select row_number() over (order by schedule) - 1 as no, schedule
from (select distinct schedule from staging.stg_calendar_piece);

create temp table day as
select
    cast(place(no, piece_date) as integer) as place,
    min(business_before) as before,
    coalesce(epoch_us(min(starts_at) filter (is_business)), 0) as begin_1,
    coalesce(epoch_us(min(ends_at) filter (is_business)), 0) as end_1,
    if(count(*) filter (is_business) > 1, epoch_us(max(starts_at) filter (is_business)), 0) as begin_2,
    if(count(*) filter (is_business) > 1, epoch_us(max(ends_at) filter (is_business)), 0) as end_2
from staging.stg_calendar_piece join schedule using (schedule)
group by no, piece_date;

create temp table mark as
select no as schedule, bucket, starts_at, business_before, business_after
from staging.stg_calendar_mark join schedule using (schedule);

create temp table team as
select team_key, cast(no as integer) as schedule
from intermediate.int_team_scheduled join schedule using (schedule);

create table floor.fct_ticket_event as
select
    event_key, event_id, ticket_key, ticket_id, event_type, occurred_at, local_day(occurred_at) as occurred_date,
    actor_type, agent_key, is_public, from_value, to_value, message, is_counted, source, batch_id
from staging.stg_ticket_event_version;

create temp table ticket as
select
    t.ticket_key, t.created_at, t.team_key, t.agent_key, t.product_key, t.priority, t.channel, t.issue_type,
    t.is_agent_created, t.exclusion is null as is_countable,
    c.customer_key, v.customer_version_key, v.region
from staging.stg_ticket_version t
join intermediate.int_customer_resolved c using (customer_record_key)
join marts.dim_customer_version v
    on v.customer_key = c.customer_key and v.valid_from <= t.created_at and v.valid_to > t.created_at;

-- Who held a ticket with which priority: nobody knows what the first transfer or change came from.
create temp table span as
with moved as (
    select
        ticket_key,
        min(occurred_at) filter (event_type = 'transfer') as team_at,
        min(occurred_at) filter (event_type = 'priority_change') as priority_at
    from floor.fct_ticket_event
    where event_type in ('transfer', 'priority_change')
    group by ticket_key
),
cut as (
    select t.*, m.team_at, m.priority_at, unnest(list_distinct([t.created_at, m.team_at, m.priority_at])) as from_at
    from ticket t join moved m using (ticket_key)
),
held as (
    select ticket_key, created_at as from_at, timestamp '9999-12-31' as to_at, team_key, priority
    from ticket anti join moved using (ticket_key)
    union all
    select
        ticket_key, from_at,
        lead(from_at, 1, timestamp '9999-12-31') over (partition by ticket_key order by from_at),
        if(team_at > from_at, 0, team_key), if(priority_at > from_at, null, priority)
    from cut
)
select held.*, team.schedule from held join team using (team_key);

-- Who spoke. The message with which an agent opened a ticket answers nobody.
create temp table opening as
select event_key
from floor.fct_ticket_event join ticket using (ticket_key)
where is_agent_created and event_type in ('agent_message', 'note', 'customer_message')
qualify row_number() over (partition by ticket_key order by occurred_at, length(event_id), event_id) = 1;

create temp view judged as
select
    e.*,
    actor_type = 'agent' and bot.agent_key is null as is_by_person,
    is_by_person and event_type = 'agent_message' and is_public as is_human_public,
    is_human_public and opening.event_key is null as is_reply
from floor.fct_ticket_event e
left join (select agent_key from staging.stg_agent_version where role = 'bot') bot using (agent_key)
left join opening using (event_key);

create temp table told as
select
    ticket_key,
    count(*) filter (is_reply) as reply_count,
    min(occurred_at) filter (is_reply) as first_response_at,
    count(*) filter (event_type = 'transfer') as transfer_count,
    count(*) filter (event_type = 'escalation') as escalation_count,
    bool_or(event_type = 'complaint') as is_complaint,
    min(occurred_at) filter (is_by_person) as first_touched_at,
    min(occurred_at) filter (event_type = 'bot_handover') as handed_over_at,
    bool_or(event_type in ('bot_message', 'bot_handover')) as has_bot_phase,
    count(*) filter (event_type = 'call') as call_count,
    min(occurred_at) filter (event_type = 'call') as first_call_at
from judged
group by ticket_key;

-- States: a change to the state that a ticket has is none; a reopening begins another life.
create temp table state as
with changed as (
    select
        ticket_key, to_value as status, occurred_at as from_at, length(event_id) as number, event_id as id,
        lag(to_value) over (
            partition by ticket_key order by occurred_at, event_type <> 'created', number, id
        ) as previous,
        status in ('resolved', 'closed') as is_solved,
        coalesce(previous in ('resolved', 'closed') and not is_solved, false) as is_reopen
    from floor.fct_ticket_event
    where event_type in ('created', 'status_change', 'reopen')
    qualify previous is distinct from status
),
numbered as (
    select
        ticket_key, status, from_at, is_solved, is_reopen,
        row_number() over life as position,
        lead(from_at) over life as to_at,
        1 + count(*) filter (is_reopen) over (life rows unbounded preceding) as instance
    from changed
    window life as (partition by ticket_key order by from_at, previous is not null, number, id)
)
select numbered.*, schedule
from numbered
join span
    on span.ticket_key = numbered.ticket_key and span.from_at <= numbered.from_at and span.to_at > numbered.from_at;

create temp table settled as
with measured as (
    select
        state.*,
        case
            when to_at is not null then to_at when status = 'closed' then from_at else getvariable('as_of')
        end as end_at,
        epoch_us(end_at) - epoch_us(from_at) as us,
        business(e.before, e.begin_1, e.end_1, e.begin_2, e.end_2, end_at)
        - business(b.before, b.begin_1, b.end_1, b.begin_2, b.end_2, from_at) as business_us
    from state
    join day b on b.place = place(schedule, from_at)
    join day e on e.place = place(schedule, case
        when to_at is not null then to_at when status = 'closed' then from_at else getvariable('as_of')
    end)
)
select
    ticket_key,
    max(status) filter (to_at is null) as status,
    min(from_at) filter (status = 'resolved') as first_resolved_at,
    if(bool_or(is_solved and to_at is null), max(from_at) filter (status = 'resolved'), null) as resolved_at,
    max(from_at) filter (status = 'closed' and to_at is null) as closed_at,
    count(*) filter (is_reopen) as reopen_count,
    -- solved thirty days after the creation
    bool_or(
        is_solved and from_at <= created_at + interval 30 day and coalesce(to_at > created_at + interval 30 day, true)
    ) as is_resolved_at_limit,
    coalesce(sum(us) filter (status in ('new', 'open')), 0)::bigint as work_us,
    coalesce(sum(us) filter (status = 'pending'), 0)::bigint as pending_us,
    coalesce(sum(us) filter (status = 'hold'), 0)::bigint as hold_us,
    coalesce(sum(us) filter (is_solved), 0)::bigint as solved_us,
    sum(us)::bigint as life_us,
    coalesce(sum(business_us) filter (status in ('new', 'open')), 0)::bigint as work_business_us,
    coalesce(sum(business_us) filter (status = 'pending'), 0)::bigint as pending_business_us,
    coalesce(sum(business_us) filter (status = 'hold'), 0)::bigint as hold_business_us,
    sum(business_us)::bigint as life_business_us
from measured join ticket using (ticket_key)
group by ticket_key;

-- Messages between customers and people, and the turns of a ticket's state, in one order.
create temp table step as
with united as (
    select
        ticket_key, occurred_at as moment_at, false as is_turn, length(event_id) as number, event_id as id,
        is_reply, event_type = 'customer_message' as is_ask, is_reply as is_end, 0 as solved_change,
        occurred_at as said_at
    from judged
    where event_type = 'customer_message' or is_human_public
    union all
    select
        ticket_key, from_at, true, position, '', false, false, is_solved, if(is_solved, 1, -1), null
    from state
    where is_reopen or status = 'resolved'
)
select
    ticket_key, moment_at, said_at, is_ask, is_reply, is_end, solved_change,
    count(*) filter (is_end) over so_far - is_end::integer as ended_before,
    count(*) filter (is_reply) over so_far > is_reply::integer as is_after_reply,
    sum(solved_change) over so_far = 1 as is_solved,
    max(said_at) over (life rows between unbounded preceding and 1 preceding) as previous_at,
    min(said_at) over (life rows between 1 following and unbounded following) as next_at
from united
window
    life as (partition by ticket_key order by moment_at, is_turn, number, id),
    so_far as (partition by ticket_key order by moment_at, is_turn, number, id rows unbounded preceding);

-- Contacts by messages: those less than four hours apart are one.
create temp table contact as
select
    ticket_key,
    count(*) filter (is_begin) as contacts,
    count(*) filter (is_begin and said_at <= resolved_at) as contacts_to_resolution,
    min(said_at) as first_began_at,
    min(said_at) filter (coalesce(next_at - said_at >= interval 4 hour, true)) as first_ended_at
from (
    select *, coalesce(said_at - previous_at >= interval 4 hour, true) as is_begin from step where said_at is not null
) join settled using (ticket_key)
group by ticket_key;

-- Tickets on one matter (customer, issue type, product) in order of time.
create temp table neighbour as
with moment as (
    select ticket_key, customer_key, issue_type, product_key, created_at as moment_at, 0 as is_resolution
    from ticket where is_countable
    union all
    select ticket_key, customer_key, issue_type, product_key, resolved_at, 1
    from ticket join settled using (ticket_key) where is_countable and resolved_at is not null
),
placed as (
    select
        ticket_key, moment_at, is_resolution,
        min(if(is_resolution = 0, moment_at, null)) over (matter rows between 1 following and unbounded following)
            as next_at,
        last_value(if(is_resolution = 1, ticket_key, null) ignore nulls)
            over (matter rows between unbounded preceding and 1 preceding) as earlier_ticket_key,
        max(if(is_resolution = 1, moment_at, null)) over (matter rows between unbounded preceding and 1 preceding)
            as earlier_at
    from moment
    window matter as (partition by customer_key, issue_type, product_key order by moment_at, is_resolution, ticket_key)
)
select
    ticket_key,
    max(next_at) filter (is_resolution = 1) as next_at,
    max(earlier_ticket_key) filter (is_resolution = 0 and moment_at <= earlier_at + interval 30 day)
        as earlier_ticket_key
from placed
group by ticket_key;

create temp table chain as
with recursive link as (
    select ticket_key, earlier_ticket_key from neighbour where earlier_ticket_key is not null
),
walked as (
    select ticket_key, earlier_ticket_key, 1 as steps_back from link
    union all
    select walked.ticket_key, link.earlier_ticket_key, steps_back + 1
    from walked join link on link.ticket_key = walked.earlier_ticket_key
    where steps_back < 20
)
from walked;

create temp table complaint as
select
    ticket_key,
    coalesce(
        created_at - lag(created_at) over (partition by customer_key order by created_at, ticket_key)
        <= interval 30 day,
        false
    ) as is_repeat,
    row_number() over (
        partition by customer_key, date_trunc('month', local_day(created_at)) order by created_at, ticket_key
    ) = 1 as is_first_in_month
from ticket join told using (ticket_key)
where is_countable and is_complaint;

create temp table channel as
select channel, key63('channel' || chr(31) || channel) as channel_key from (select distinct channel from ticket);
create temp table issue_type as
select issue_type, key63('issue_type' || chr(31) || issue_type) as issue_type_key
from (select distinct issue_type from ticket);

-- The clock of the first response begins when a bot hands the ticket over, if that came first.
create temp table response as
select
    ticket_key, first_response_at,
    if(coalesce(handed_over_at <= coalesce(first_response_at, handed_over_at), false), handed_over_at, created_at)
        as clock_at,
    schedule
from told
join ticket using (ticket_key)
join span using (ticket_key)
where span.from_at <= clock_at and span.to_at > clock_at;

create table floor.fct_ticket as
with joined as (
    select
        v.*, t.customer_key, t.customer_version_key, t.is_countable, ch.channel_key, it.issue_type_key,
        s.status as told_status, s.first_resolved_at, s.resolved_at as told_resolved_at, s.closed_at as told_closed_at,
        s.reopen_count as told_reopen_count, s.is_resolved_at_limit, s.work_us, s.pending_us, s.hold_us, s.solved_us,
        s.life_us, s.work_business_us, s.pending_business_us, s.hold_business_us, s.life_business_us,
        r.first_response_at as told_first_response_at, r.clock_at,
        told.reply_count, told.transfer_count, told.escalation_count, told.is_complaint as told_is_complaint,
        told.first_touched_at, told.handed_over_at, told.has_bot_phase, told.call_count, told.first_call_at,
        m.contacts, m.contacts_to_resolution, m.first_began_at, m.first_ended_at,
        n.next_at, n.earlier_ticket_key, c.repeat_number, cp.is_repeat, cp.is_first_in_month,
        cp.ticket_key is not null as is_known_complaint,
        business(dc.before, dc.begin_1, dc.end_1, dc.begin_2, dc.end_2, v.created_at) as created_business,
        business(df.before, df.begin_1, df.end_1, df.begin_2, df.end_2, s.first_resolved_at) as first_resolved_business,
        business(dr.before, dr.begin_1, dr.end_1, dr.begin_2, dr.end_2, s.resolved_at) as resolved_business,
        business(db.before, db.begin_1, db.end_1, db.begin_2, db.end_2, r.clock_at) as clock_business,
        business(da.before, da.begin_1, da.end_1, da.begin_2, da.end_2, r.first_response_at) as response_business
    from staging.stg_ticket_version v
    join ticket t using (ticket_key)
    join settled s using (ticket_key)
    join told using (ticket_key)
    join response r using (ticket_key)
    join (
        select ticket_key, schedule from ticket join span using (ticket_key) where span.from_at = ticket.created_at
    ) h using (ticket_key)
    join channel ch on ch.channel = v.channel
    join issue_type it on it.issue_type = v.issue_type
    left join contact m using (ticket_key)
    left join neighbour n using (ticket_key)
    left join (select ticket_key, 1 + max(steps_back) as repeat_number from chain group by ticket_key) c
        using (ticket_key)
    left join complaint cp using (ticket_key)
    join day dc on dc.place = place(h.schedule, v.created_at)
    left join day df on df.place = place(h.schedule, s.first_resolved_at)
    left join day dr on dr.place = place(h.schedule, s.resolved_at)
    join day db on db.place = place(r.schedule, r.clock_at)
    left join day da on da.place = place(r.schedule, r.first_response_at)
),
judged as (
    select
        *,
        told_status in ('resolved', 'closed') as is_resolved,
        minutes(clock_at, told_first_response_at) as response_minutes,
        minutes(clock_at, getvariable('as_of')) as response_age,
        minutes(created_at, told_resolved_at) as cycle_minutes,
        getvariable('as_of') - created_at as age,
        getvariable('as_of') - told_resolved_at as resolved_age
    from joined
)
select
    ticket_key, ticket_id, source, batch_id, customer_key, customer_version_key, product_key, agent_key, team_key,
    asset_key, service_partner_key, told_status as status, is_counted, priority, issue_type, issue_type_key,
    issue_type = 'repair' as is_repair, channel, channel_key, subject, created_at,
    local_day(created_at) as created_date,
    clock_at as first_response_clock_at, told_first_response_at as first_response_at, first_resolved_at,
    told_resolved_at as resolved_at, local_day(told_resolved_at) as resolved_date, told_closed_at as closed_at,
    is_resolved, true as is_response_told, true as is_resolution_told, is_countable,
    is_countable and is_counted as is_in_scope, exclusion,
    response_minutes as first_response_minutes, response_minutes as first_response_minutes_uncleaned,
    (response_business - clock_business) / 60000000 as first_response_business_minutes,
    if(told_first_response_at is null and not is_resolved and is_countable, greatest(response_age, 0), null)
        as first_response_open_wait_minutes,
    if(response_age >= 120, coalesce(response_minutes <= 120, false), null) as is_first_response_within_2h,
    is_first_response_within_2h as is_first_response_within_2h_uncleaned,
    if(response_age >= 240, coalesce(response_minutes <= 240, false), null) as is_first_response_within_4h,
    minutes(created_at, first_resolved_at) as first_resolution_minutes,
    (first_resolved_business - created_business) / 60000000 as first_resolution_business_minutes,
    cycle_minutes as service_cycle_minutes, cycle_minutes as service_cycle_minutes_uncleaned,
    (resolved_business - created_business) / 60000000 as service_cycle_business_minutes,
    if(age >= interval 30 day, is_resolved_at_limit, null) as is_resolved_within_30d,
    is_resolved_within_30d as is_resolved_within_30d_uncleaned,
    (work_us + hold_us) / 60000000 as requester_wait_minutes,
    pending_us / 60000000 as agent_wait_minutes,
    work_us / 60000000 as agent_work_minutes,
    hold_us / 60000000 as on_hold_minutes,
    solved_us / 60000000 as solved_minutes,
    life_us / 60000000 as life_minutes,
    (work_business_us + hold_business_us) / 60000000 as requester_wait_business_minutes,
    pending_business_us / 60000000 as agent_wait_business_minutes,
    work_business_us / 60000000 as agent_work_business_minutes,
    hold_business_us / 60000000 as on_hold_business_minutes,
    life_business_us / 60000000 as life_business_minutes,
    handling_minutes::double as handling_minutes,
    reply_count::bigint as human_reply_count, told_reopen_count::bigint as reopen_count,
    reopen_count as stated_reopen_count,
    first_resolved_at is not null as is_ever_resolved,
    transfer_count::bigint as transfer_count, escalation_count::bigint as escalation_count,
    is_resolved and reply_count <= 1 and told_reopen_count = 0 as is_one_touch,
    coalesce(contacts, 0)::bigint + call_count as contact_count,
    if(first_call_at <= coalesce(first_began_at, first_call_at), first_call_at, first_ended_at)
        as first_contact_ended_at,
    if(
        is_countable and resolved_age >= interval 7 day,
        coalesce(contacts_to_resolution, 0) + coalesce(first_call_at <= told_resolved_at, false)::integer <= 1
        and told_reopen_count = 0 and coalesce(next_at - told_resolved_at > interval 7 day, true),
        null
    ) as is_first_contact_resolved,
    if(
        is_countable and resolved_age >= interval 30 day,
        coalesce(next_at - told_resolved_at <= interval 30 day, false),
        null
    ) as is_followed_by_repeat,
    coalesce(earlier_ticket_key, 0) as repeat_of_ticket_key,
    if(is_countable, coalesce(repeat_number, 1), null)::bigint as repeat_number,
    null::bigint as visit_count, null::double as visit_minutes, null::boolean as is_first_time_fix,
    null::boolean as is_follow_up_due, null::timestamp as followed_up_at, null::double as follow_up_delay_minutes,
    null::double as follow_up_delay_business_minutes,
    null::boolean as is_followed_up_within_limit, null::boolean as is_follow_up_reached,
    null::boolean as is_follow_up_confirmed_solved,
    if(has_bot_phase, handed_over_at is not null, null) as is_bot_handed_over,
    if(handed_over_at = clock_at, response_minutes, null) as bot_handover_wait_minutes,
    if(handed_over_at = clock_at, (response_business - clock_business) / 60000000, null)
        as bot_handover_wait_business_minutes,
    first_touched_at, told_is_complaint as is_complaint,
    if(
        told_is_complaint and age >= interval 2 hour,
        coalesce(first_touched_at - created_at > interval 2 hour, true),
        null
    ) as is_complaint_untouched_2h,
    if(
        told_is_complaint and age >= interval 48 hour,
        coalesce(first_resolved_at - created_at <= interval 48 hour, false),
        null
    ) as is_complaint_resolved_within_48h,
    is_repeat as is_repeat_complaint, is_first_in_month as is_first_complaint_in_month,
    false as is_merged, merged_into_ticket_key, null::boolean as is_new_customer,
    'summary' as created_from, 'events' as first_response_from, 'events' as states_from
from judged;

-- SLA clocks of tickets that count: one for the first response, one per question after it, one per life of the ticket.
create temp table clock as
with run as (
    select
        ticket_key,
        ended_before,
        min(moment_at) filter (is_ask) as asked_at,
        max(moment_at) filter (is_reply) as answered_at,
        max(moment_at) filter (is_end and not is_reply) as solved_at,
        -- neither answered nor reopened: the ticket was solved and stayed so
        bool_or(solved_change = -1 or (is_ask and not is_solved)) as is_unsolved
    from step
    where is_after_reply
    group by ticket_key, ended_before
    having bool_or(is_ask)
),
started as (
    select ticket_key, 'first_response' as sla_clock, 1 as instance, clock_at as started_at,
           first_response_at as stopped_at, if(first_response_at is not null, 'reply', null) as stopped_by
    from response
    union all
    select ticket_key, 'next_response', row_number() over (partition by ticket_key order by ended_before), asked_at,
           coalesce(answered_at, solved_at, if(is_unsolved, null, asked_at)) as ended_at,
           if(answered_at is not null, 'reply', if(ended_at is not null, 'solved', null)) as ended_by
    from run
    where answered_at is not null or coalesce(solved_at <> asked_at, solved_at is null and is_unsolved)
    union all
    select ticket_key, 'resolution', instance, min(from_at), min(from_at) filter (is_solved) as stopped_at,
           if(stopped_at is not null, 'solved', null)
    from state
    group by ticket_key, instance
)
select
    row_number() over () as clock, started.*, coalesce(stopped_at, getvariable('as_of')) as reached_at,
    v.customer_version_key, v.tier
from started
join ticket using (ticket_key)
join marts.dim_customer_version v
    on v.customer_key = ticket.customer_key and v.valid_from <= started_at and v.valid_to > started_at
where is_countable;

create temp table target as
with kind as (
    select *
    from (select distinct sla_clock, tier from clock), (select distinct coalesce(priority, '') as priority from span)
)
select
    kind.*, policy, policy_en, policy_zh, policy_order, is_business_hours, target_minutes * 60000000 as target
from kind
join staging.stg_sla_policy p
    on p.sla_clock = kind.sla_clock
    and coalesce(p.tier, kind.tier) = kind.tier and coalesce(p.priority, kind.priority) = kind.priority
qualify row_number() over (partition by kind.sla_clock, kind.tier, kind.priority order by policy_order) = 1;

-- The time of each clock, cut where the ticket's priority changes; that of the resolution pauses while it is pending.
create temp table judged_clock as
with piece as (
    select clock, c.ticket_key, sla_clock, tier, stopped_at, started_at as from_at, reached_at as to_at,
           true as is_counting, schedule
    from clock c join span h on h.ticket_key = c.ticket_key and h.from_at <= started_at and h.to_at > started_at
    where sla_clock <> 'resolution'
    union all
    select clock, ticket_key, sla_clock, tier, stopped_at, from_at, coalesce(to_at, reached_at),
           status <> 'pending', schedule
    from clock join state using (ticket_key, instance)
    where sla_clock = 'resolution' and not is_solved and coalesce(to_at, reached_at) > from_at
),
cut as (
    select
        clock, piece.ticket_key, sla_clock, tier, stopped_at, is_counting, piece.schedule,
        coalesce(priority, '') as priority, greatest(piece.from_at, span.from_at) as from_at,
        least(piece.to_at, span.to_at) as to_at
    from piece
    join span
        on span.ticket_key = piece.ticket_key
        and (span.from_at < piece.to_at or span.from_at <= piece.from_at) and span.to_at > piece.from_at
),
timed as (
    select
        cut.*, policy_order, is_business_hours, target,
        epoch_us(to_at) - epoch_us(from_at) as us,
        business(e.before, e.begin_1, e.end_1, e.begin_2, e.end_2, to_at) as business_to,
        business_to - business(b.before, b.begin_1, b.end_1, b.begin_2, b.end_2, from_at) as business_us
    from cut
    join target using (sla_clock, tier, priority)
    join day b on b.place = place(schedule, from_at)
    join day e on e.place = place(schedule, to_at)
),
summed as (
    select
        *,
        sum(if(is_counting, us, 0)) over so_far as calendar_sum,
        sum(if(is_counting, business_us, 0)) over so_far as business_sum,
        lead(clock) over clock_time is null as is_last
    from timed
    window clock_time as (partition by clock order by from_at),
           so_far as (partition by clock order by from_at rows unbounded preceding)
),
reached as (
    select
        *,
        if(is_business_hours, business_sum, calendar_sum)::bigint as elapsed,
        elapsed - if(is_counting, if(is_business_hours, business_us, us), 0) as elapsed_before,
        -- within the leg, or after the last one had the clock gone on
        elapsed_before < target and (elapsed >= target or (is_last and (is_counting or stopped_at is not null)))
            as is_reached,
        if(is_reached and is_business_hours, business_to + target - elapsed, null) as due_business
    from summed
),
-- each target of a clock: when it was reached, and whether it was passed
aimed as (
    select
        clock, policy_order,
        min(case
            when elapsed_before >= target then from_at
            when due_business is not null then make_timestamp(epoch_us(starts_at) + due_business - business_before)
            when is_reached then make_timestamp(epoch_us(to_at) + target - elapsed)
        end) as due_at,
        min(from_at) filter (elapsed > target) as passed_at,
        max(from_at) as last_at,
        arg_min(priority, from_at) filter (elapsed > target) as passed_priority,
        arg_max(priority, from_at) as last_priority,
        max(business_sum) as business_sum, sum(business_us) as waited, max(calendar_sum) as calendar_sum,
        coalesce(sum(us) filter (not is_counting), 0) as paused
    from reached
    left join mark
        on mark.schedule = reached.schedule and bucket = (due_business - 1) // 28800000000
        and business_before < due_business and business_after >= due_business
    group by clock, policy_order
)
-- the target that was passed first decides, else the last one
select
    clock,
    coalesce(arg_min(policy_order, passed_at), arg_max(policy_order, last_at)) as policy_order,
    coalesce(arg_min(due_at, passed_at), arg_max(due_at, last_at)) as due_at,
    coalesce(arg_min(passed_priority, passed_at), arg_max(last_priority, last_at)) as priority,
    min(passed_at) is not null as is_passed,
    max(business_sum)::bigint as business_us, sum(waited)::bigint as waited_us, max(calendar_sum)::bigint as calendar_us, sum(paused)::bigint as paused_us
from aimed
group by clock;

create table floor.fct_ticket_sla as
with joined as (
    select
        c.*, j.priority as judged_priority, j.due_at, j.paused_us, j.waited_us, p.policy, p.policy_en, p.policy_zh,
        p.is_business_hours, p.target_minutes,
        if(p.is_business_hours, business_us, calendar_us) / 60000000 as elapsed_minutes,
        case when is_passed then 'breached' when stopped_at is not null then 'met' else 'running' end as state
    from clock c
    join judged_clock j using (clock)
    join (select distinct * exclude (tier, priority, target), target / 60000000 as target_minutes from target) p
        using (sla_clock, policy_order)
)
select
    key63(concat_ws(chr(31), 'ticket_sla', j.ticket_key, sla_clock, instance)) as ticket_sla_key,
    j.ticket_key, t.ticket_id, t.source, t.batch_id, sla_clock, instance::bigint as instance, policy, policy_en,
    policy_zh, target_minutes, is_business_hours, started_at, local_day(started_at) as started_date, stopped_at,
    stopped_by, elapsed_minutes, paused_us / 60000000 as paused_minutes,
    minutes(started_at, stopped_at) as wait_minutes,
    if(stopped_at is null, null, waited_us / 60000000) as wait_business_minutes,
    due_at, state, if(state = 'breached', due_at, null) as breached_at,
    if(state = 'running', target_minutes - elapsed_minutes, null) as minutes_left, 'events' as told_by,
    nullif(judged_priority, '') as priority, t.created_date, t.customer_key, j.customer_version_key, t.product_key,
    t.agent_key, t.team_key, t.asset_key, t.service_partner_key, t.issue_type, t.issue_type_key, t.channel,
    t.channel_key, t.is_new_customer, t.is_in_scope, t.is_resolved
from joined j
join floor.fct_ticket t using (ticket_key);

create table floor.fct_ticket_repeat as
select
    key63(concat_ws(chr(31), t.ticket_key, e.ticket_key)) as ticket_repeat_key,
    t.ticket_key, t.ticket_id, t.source, t.batch_id, t.customer_key, t.customer_version_key, t.product_key, t.asset_key,
    t.issue_type, t.issue_type_key, t.created_at, t.created_date, t.repeat_number, steps_back::bigint as steps_back,
    e.ticket_key as earlier_ticket_key, e.ticket_id as earlier_ticket_id, e.agent_key as earlier_agent_key,
    e.team_key as earlier_team_key, e.resolved_at as earlier_resolved_at
from chain
join floor.fct_ticket t on t.ticket_key = chain.ticket_key
join floor.fct_ticket e on e.ticket_key = chain.earlier_ticket_key;

-- Backlog: the lives of tickets that count, cut where team or priority changes; what enters and leaves, day by day.
create temp table piece as
select
    span.team_key, span.priority, channel, region, product_line,
    greatest(started_at, from_at) as entered_at,
    if(stopped_at is null or to_at < stopped_at, nullif(to_at, timestamp '9999-12-31'), stopped_at) as left_at,
    local_day(entered_at) as from_date, local_day(left_at) as to_date,
    greatest(entered_at, created_at + interval 1 day) as over_1d_at,
    greatest(entered_at, created_at + interval 3 day) as over_3d_at,
    greatest(entered_at, created_at + interval 7 day) as over_7d_at,
    span.from_at > started_at as is_moved, instance > 1 as is_reopened,
    coalesce(stopped_at <= span.to_at, false) as is_solved
from clock
join span
    on span.ticket_key = clock.ticket_key and span.to_at > started_at
    and (span.from_at <= started_at or span.from_at < reached_at)
join ticket on ticket.ticket_key = clock.ticket_key
join marts.dim_product using (product_key)
where sla_clock = 'resolution';

create temp table cell as
select row_number() over () as cell, c.*, channel_key,
       coalesce(key63('region' || chr(31) || region), 0) as region_key
from (select distinct team_key, priority, channel, region, product_line from piece) c join channel using (channel);

create table floor.fct_backlog_daily as
with placed as (
    select cell, piece.*
    from piece join cell
        on cell.team_key = piece.team_key and cell.priority is not distinct from piece.priority
        and cell.channel = piece.channel and cell.region is not distinct from piece.region
        and cell.product_line is not distinct from piece.product_line
),
event as (
    select cell, from_date as date_day, if(not is_moved and not is_reopened, 1, 0) as created,
           if(not is_moved and is_reopened, 1, 0) as reopened, if(is_moved, 1, 0) as moved_in, 0 as solved,
           0 as moved_out, 0 as over_1d, 0 as over_3d, 0 as over_7d
    from placed
    union all
    select cell, to_date, 0, 0, 0, if(is_solved, 1, 0), if(is_solved, 0, 1),
           -(local_day(over_1d_at) < to_date)::integer, -(local_day(over_3d_at) < to_date)::integer,
           -(local_day(over_7d_at) < to_date)::integer
    from placed where to_date <= getvariable('as_of_date')
    union all
    select cell, local_day(over_1d_at) as over_date, 0, 0, 0, 0, 0, 1, 0, 0
    from placed where over_1d_at <= getvariable('as_of') and coalesce(over_date < to_date, true)
    union all
    select cell, local_day(over_3d_at) as over_date, 0, 0, 0, 0, 0, 0, 1, 0
    from placed where over_3d_at <= getvariable('as_of') and coalesce(over_date < to_date, true)
    union all
    select cell, local_day(over_7d_at) as over_date, 0, 0, 0, 0, 0, 0, 0, 1
    from placed where over_7d_at <= getvariable('as_of') and coalesce(over_date < to_date, true)
),
changed as (
    select cell, date_day, sum(created)::bigint as created, sum(reopened)::bigint as reopened,
           sum(moved_in)::bigint as moved_in, sum(solved)::bigint as solved, sum(moved_out)::bigint as moved_out,
           sum(over_1d)::bigint as over_1d, sum(over_3d)::bigint as over_3d, sum(over_7d)::bigint as over_7d
    from event
    where date_day <= getvariable('as_of_date')
    group by cell, date_day
),
summed as (
    select
        cell, date_day, created, reopened, moved_in, solved, moved_out,
        (sum(created + reopened + moved_in - solved - moved_out) over so_far)::bigint as closing,
        (sum(over_1d) over so_far)::bigint as over_1d,
        (sum(over_3d) over so_far)::bigint as over_3d,
        (sum(over_7d) over so_far)::bigint as over_7d,
        lead(date_day, 1, getvariable('as_of_date') + 1) over days as next_date
    from changed
    window days as (partition by cell order by date_day),
           so_far as (partition by cell order by date_day rows unbounded preceding)
),
-- the days of a change, and those until the next one while something is open
filled as (
    select cell, date_day, created, reopened, moved_in, solved, moved_out, closing, over_1d, over_3d, over_7d
    from summed
    where closing <> 0 or created + reopened + moved_in + solved + moved_out <> 0
    union all
    select cell, date_day + unnest(range(1, (next_date - date_day)::integer))::integer, 0, 0, 0, 0, 0,
           closing, over_1d, over_3d, over_7d
    from summed where closing > 0 and next_date > date_day + 1
)
select
    key63(concat_ws(
        chr(31), date_day, team_key, coalesce(priority, ''), coalesce(channel, ''), coalesce(region, ''),
        coalesce(product_line, '')
    )) as backlog_key,
    date_day,
    date_day = least((date_trunc('week', date_day) + interval 6 day)::date, getvariable('as_of_date')) as is_week_end,
    date_day = least(last_day(date_day), getvariable('as_of_date')) as is_month_end,
    date_day = least((date_trunc('quarter', date_day) + interval 3 month)::date - 1, getvariable('as_of_date'))
        as is_quarter_end,
    date_day = least(make_date(year(date_day), 12, 31), getvariable('as_of_date')) as is_year_end,
    team_key, priority, channel, channel_key, region, region_key, product_line,
    closing - created - reopened - moved_in + solved + moved_out as opening,
    created, reopened, moved_in, solved, moved_out, closing,
    closing - over_1d as open_0_1d, over_1d - over_3d as open_1_3d, over_3d - over_7d as open_3_7d,
    over_7d as open_over_7d
from filled join cell using (cell);

create table floor.fct_agent_daily as
with touched as (
    select agent_key, date_day, count(*) as tickets_touched, sum(replies)::bigint as reply_count
    from (
        select e.agent_key, occurred_date as date_day, ticket_key, count(*) filter (is_reply) as replies
        from judged e join ticket using (ticket_key)
        where is_by_person and e.agent_key <> 0 and is_countable
        group by all
    )
    group by all
),
solved as (
    select
        agent_key, resolved_date as date_day, count(*) as tickets_solved,
        sum(human_reply_count)::bigint as solved_reply_count,
        sum(handling_minutes::decimal(28, 6))::double as handling_minutes, count(handling_minutes) as handled_count
    from floor.fct_ticket
    where is_in_scope and is_resolved and agent_key <> 0
    group by all
)
select
    key63(concat_ws(chr(31), agent_key, date_day)) as agent_daily_key, agent_key, a.team_key, date_day,
    coalesce(tickets_touched, 0) as tickets_touched, coalesce(reply_count, 0) as reply_count,
    coalesce(tickets_solved, 0) as tickets_solved, coalesce(solved_reply_count, 0) as solved_reply_count,
    coalesce(tickets_solved, 0) as solved_with_replies_count, coalesce(handled_count, 0) as handled_count,
    0::bigint as csat_answers, 0::bigint as csat_satisfied, handling_minutes
from touched full join solved using (agent_key, date_day)
join marts.dim_agent a using (agent_key);
