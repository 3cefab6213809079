//! A request to an operation, whoever sent it: signed in or, where the operation allows it, not.

use std::sync::Arc;

use aerostack_core::api::operation::Operation;
use aerostack_core::slug::Slug;

use super::call::Call;
use super::caller::{Caller, refused};
use super::error::ApiError;
use crate::app::App;

/// A request to an operation.
pub(super) struct Visit {
    /// The hall.
    pub(super) app: Arc<App>,
    /// Which.
    pub(super) operation: Operation,
    /// Who, if anybody is signed in.
    pub(super) caller: Option<Caller>,
    /// The team that was named to act for.
    pub(super) team: Option<Slug>,
    /// The path's parameters, in order.
    pub(super) parameters: Vec<String>,
}

impl Visit {
    /// A path parameter.
    pub(super) fn parameter(&self, index: usize) -> &str {
        // `Operation::find` gives one text per brace; a missing one names nothing.
        self.parameters.get(index).map_or("", String::as_str)
    }

    /// The same as a call of somebody who is signed in.
    pub(super) fn signed_in(self) -> Result<Call, ApiError> {
        let Self { app, operation, caller, team, parameters } = self;
        Ok(Call { app, operation, caller: caller.ok_or_else(refused)?, team, parameters })
    }
}
