//! The whole URL table of `batch`.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::handlers::{archive, execution, health, job, log, report, schedule, skipped, stream, trigger};
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        // Open to anybody
        .routes(routes!(health::health))
        // Everything else: for administrators and the operator
        .routes(routes!(job::list_jobs))
        .routes(routes!(job::get_job))
        .routes(routes!(schedule::put_schedule))
        .routes(routes!(schedule::list_fires))
        .routes(routes!(trigger::trigger_job))
        .routes(routes!(execution::list_executions))
        .routes(routes!(execution::get_execution))
        .routes(routes!(execution::stop_execution))
        .routes(routes!(execution::restart_execution))
        .routes(routes!(execution::abandon_execution))
        .routes(routes!(log::list_logs))
        .routes(routes!(skipped::list_skipped))
        .routes(routes!(skipped::redrive_skipped))
        .routes(routes!(stream::stream_execution))
        .routes(routes!(report::list_reports))
        .routes(routes!(report::get_report))
        .routes(routes!(archive::list_archives))
}
