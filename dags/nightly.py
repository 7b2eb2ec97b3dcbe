"""
### The nightly: files in, published marts out

**In**: what the sources of `METRICS_SOURCES` delivered up to the night. **Out**: `warehouse/serve/warehouse.duckdb`
in the data home; where a source failed, `audit.warehouse_state` names what is missing. Then `reports/metrics/`, and
`reports/audit/`, which is written after a failed night too.

prepare → per group: land every feed, then judge them (gate) → settle (references) → build (dbt) → publish →
reports, audit

**When it fails**: readers still have the last published warehouse; nothing that landed is lost.
- a red `land` or `gate`: that source stopped, the others went on; its log names file, line and column. Mend the
  source or its YAML and clear the run.
- a red `build`: the log names the failing dbt nodes. A damaged clean file is named with its path.
- a red `publish`: disk space, or the copy differed from the build; clear the task.
- a red `reports` or `audit`: the new warehouse is served all the same, only its pages are yesterday's; clear the task.

Running a night again gives the same rows; a night older than the published one is refused.
"""

from airflow.sdk import Param, TriggerRule, dag, task, task_group
from service_metrics import steps
from service_metrics.defaults import CALLBACKS, DEFAULT_ARGS, START, nightly_timetable
from service_metrics.names import BUILD_POOL, Tag

GROUPS = ("tickets", "crm", "surveys", "reviews")


@dag(
    schedule=nightly_timetable(),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    **CALLBACKS,
    doc_md=__doc__,
    tags=[Tag.NIGHTLY, Tag.WAREHOUSE],
    params={
        "as_of": Param(
            None,
            type=["null", "string"],
            description="local date (its end) or timestamp; default: METRICS_AS_OF, the end of the data interval",
        )
    },
)
def nightly() -> None:
    as_of = task(steps.prepare)()
    settled = task(steps.settle, trigger_rule=TriggerRule.ALL_DONE)(as_of)

    for group in GROUPS:

        @task_group(group_id=group)
        def judged(group: str = group):
            landed = task(steps.land).partial(as_of=as_of).expand(feed=task(steps.list_feeds)(as_of, group))
            # All-done: a feed that failed stops neither the others nor the night.
            gated = task(steps.gate, trigger_rule=TriggerRule.ALL_DONE)(as_of, group)
            landed >> gated
            return gated

        judged() >> settled

    built = task(steps.build, pool=BUILD_POOL)(as_of)
    published = task(steps.publish, pool=BUILD_POOL)(as_of)
    settled >> built >> published >> task(steps.reports)(as_of)
    # All-done, and a leaf beside `reports`: it tells of a night that failed, and does not make it look good.
    published >> task(steps.audit, trigger_rule=TriggerRule.ALL_DONE)(as_of)


nightly()
