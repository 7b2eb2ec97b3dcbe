-- One row per purpose, dimension and region with counted answers submitted in [first day, last day); pretests left out.
select
    r.purpose,
    a.dimension,
    coalesce(v.region, '(none)') as region,
    count(a.answer_pomp) as answer_count,
    cast(sum(cast(a.answer_pomp as decimal(28, 6))) as double) as pomp_sum
from marts.fct_survey_answer as a
inner join marts.fct_survey_response as r on a.response_key = r.response_key
left join marts.dim_customer_version as v on r.customer_version_key = v.customer_version_key
where a.is_counted
    and a.dimension is not null
    and a.answer_pomp is not null
    and r.purpose <> 'pretest'
    and r.submitted_date >= ?
    and r.submitted_date < ?
group by all
order by all
