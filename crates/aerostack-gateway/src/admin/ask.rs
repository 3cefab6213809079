//! The pages' way to an operation: the same admission and the same handler as over HTTP, without HTTP.

use std::sync::Arc;

use aerostack_core::slug::Slug;
use http::Response;

use super::caller::Caller;
use super::dispatch::{Handled, Streamed};
use super::error::ApiError;
use super::visit::Visit;
use crate::app::App;
use crate::http::body::Body;

/// Carries out an operation for somebody who is signed in at a page, in the name of a team or of
/// themselves.
///
/// *Cancellation*: ends with the request. Whoever changes something calls it in a task of its own, as
/// pages do for every form.
///
/// # Errors
/// Whatever the API would answer with.
pub(crate) async fn ask<E: Handled>(
    app: &Arc<App>,
    caller: &Caller,
    team: Option<&Slug>,
    parameters: &[&str],
    request: E::Request,
) -> Result<E::Reply, ApiError> {
    let parameters = parameters.iter().map(|&text| text.to_owned()).collect();
    let visit = Visit::admit(app, E::OPERATION, Some(caller.clone()), team.cloned(), parameters)?;
    E::carry_out(visit, request).await
}

/// The same of an operation whose answer is written as it comes.
///
/// # Errors
/// Whatever the API would answer with.
pub(crate) async fn ask_for_stream<E: Streamed>(
    app: &Arc<App>,
    caller: &Caller,
    parameters: &[&str],
    request: E::Request,
) -> Result<Response<Body>, ApiError> {
    let parameters = parameters.iter().map(|&text| text.to_owned()).collect();
    let visit = Visit::admit(app, E::OPERATION, Some(caller.clone()), None, parameters)?;
    E::stream(visit, request).await
}
