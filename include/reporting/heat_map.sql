-- One row per purpose, dimension and region with counted answers in [first month, month after the last); no pretests.
select
    purpose,
    dimension,
    region,
    sum(answer_count) as answer_count,
    sum(pomp_sum) as pomp_sum
from marts.fct_dimension_period
where purpose <> 'pretest' and period_start >= ? and period_start < ?
group by all
order by all
