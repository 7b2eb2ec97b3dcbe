-- What one would write by hand for the tickets of this benchmark: read the CSV, judge it by the same 13 rules, write
-- clean rows and, per row and rule, what is wrong with the others. $csv, $clean and $quarantine are paths.
create temp table ticket as
select
    row_number() over () as row_number,
    *,
    try_cast("Created" as timestamp) as created_at,
    try_cast("First response" as timestamp) as first_response_at,
    try_cast("Resolved" as timestamp) as resolved_at,
    try_cast("Closed" as timestamp) as closed_at,
    try_cast("Updated" as timestamp) as updated_at,
    try_cast("Reopens" as bigint) as reopen_count,
    case "Status" when '处理中' then 'open' when '已解决' then 'resolved' when 'Closed' then 'closed' end as status,
    case "Complaint" when '是' then true when '否' then false end as is_complaint,
    try_cast("By agent" as boolean) as is_agent_created,
    try_cast("Deleted" as boolean) as is_deleted
from read_csv($csv, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', auto_detect = false,
              columns = {COLUMNS}, store_rejects = true, rejects_limit = 0);

create temp table copied as
select row_number from (
    select row_number, row_number() over (partition by "Ticket ID", updated_at order by row_number desc) as place
    from ticket where "Ticket ID" is not null
) where place > 1;

create temp table failure as
select row_number, 'unparsable' as rule_id, true as unusable from (select line as row_number from reject_errors)
union all select row_number, 'missing_key', true from ticket where "Ticket ID" is null
union all select row_number, 'missing_required', true from ticket
    where created_at is null or status is null
union all select row_number, 'unreadable_value', true from ticket
    where ("Created" is not null and created_at is null)
       or ("First response" is not null and first_response_at is null)
       or ("Resolved" is not null and resolved_at is null)
       or ("Closed" is not null and closed_at is null)
       or ("Updated" is not null and updated_at is null)
       or ("Reopens" is not null and reopen_count is null)
       or ("Complaint" is not null and is_complaint is null)
union all select row_number, 'duplicate_in_batch', true from copied
union all select row_number, 'unmapped_value', false from ticket
    where ("Status" is not null and status is null)
       or ("Priority" is not null and "Priority" not in ('low', 'normal', 'high', 'urgent'))
       or ("Exclusion" is not null and "Exclusion" not in ('spam', 'test', 'cancelled'))
union all select row_number, 'created_in_future', true from ticket where created_at > timestamp '2026-07-01'
union all select row_number, 'resolved_before_created', false from ticket where resolved_at < created_at
union all select row_number, 'closed_before_created', false from ticket where closed_at < created_at
union all select row_number, 'response_before_created', false from ticket where first_response_at < created_at
union all select row_number, 'closed_without_resolution', false from ticket
    where status = 'closed' and resolved_at is null
union all select row_number, 'without_customer', false from ticket where "Customer" is null
union all select row_number, 'unknown_agent', false from ticket where "Agent" is null and "Team" is not null;

copy (
    select t.* from ticket t
    where t.row_number not in (select row_number from failure where unusable)
) to $clean (format parquet);

copy (
    select t.*, f.rule_id, f.unusable from failure f join ticket t using (row_number)
) to $quarantine (format parquet);
