"""
### Release rows: a person decides about what is held or stopped

**In**: a batch and a verdict, as `make release` lists and takes them; `release` lets it in (a stopped delivery as a
whole, or held rows without what they refer to), `discard` has nobody wait for it any more. **Out**: a decision under
`decisions/` in the data home, in force from the next night on, with who approved, when and why.

ask (check, and say what it is about) → approve (a person, in Airflow's page *Required Actions*) → record

Nothing waits for this but the run itself: a rejection, or no answer within a week, writes no decision.

**When it fails**
- a red `ask` or `record`: the decision can't be taken, the log says why in one line (docs/runbook/SM307.md). Nothing
  was written; start another run.

The same decision again is one decision.
"""

from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, dag, task
from service_metrics import release_steps
from service_metrics.defaults import CALLBACKS, DEFAULT_ARGS, START
from service_metrics.names import OPEN_APPROVALS, RELEASE_ROWS, Tag


@dag(
    dag_id=RELEASE_ROWS,
    schedule=None,
    start_date=START,
    catchup=False,
    # A run waits for a person, up to a week: others don't wait for that.
    max_active_runs=OPEN_APPROVALS,
    default_args=DEFAULT_ARGS,
    **CALLBACKS,
    doc_md=__doc__,
    tags=[Tag.DECISION],
    params={
        "batch": Param("", type="string", description="the batch, as make release lists it"),
        "decision": Param("release", type="string", enum=["release", "discard"]),
        "rule": Param(None, type=["null", "string"], description="only the rows that wait by this rule"),
        "rows": Param(None, type=["null", "string"], description="only these row numbers, as 1-5,9"),
    },
)
def release_rows() -> None:
    asked = task(release_steps.ask)()
    approved = ApprovalOperator(
        task_id="approve",
        subject="{{ ti.xcom_pull(task_ids='ask')['subject'] }}",
        body="{{ ti.xcom_pull(task_ids='ask')['body'] }}",
        params={"why": Param("", type="string", description="why; kept with the decision, and shown to auditors")},
        # Without an answer it is a rejection.
        defaults=ApprovalOperator.REJECT,
        response_timeout=timedelta(days=7),
    )
    asked >> approved >> task(release_steps.record)(approved.output)


release_rows()
