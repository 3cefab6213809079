//! A request to an operation, whoever sent it and through whichever door: signed in or, where the
//! operation allows it, not.
//!
//! Both doors, the API and the pages, come in through [`Visit::admit`], and handlers find what a visit is
//! about through [`Call`], which asks for the power that the operation needs. So nobody is let in who
//! was asked at one of the doors only.

use std::sync::Arc;

use aerostack_core::account::AccountKind;
use aerostack_core::api::operation::{Needs, Operation};
use aerostack_core::slug::Slug;

use super::call::{Call, forbidden};
use super::caller::{Caller, refused};
use super::error::ApiError;
use crate::app::App;

/// A request to an operation, admitted.
pub(crate) struct Visit {
    app: Arc<App>,
    operation: Operation,
    caller: Option<Caller>,
    team: Option<Slug>,
    parameters: Vec<String>,
}

impl Visit {
    /// Lets a request in, for the team that was named to act for.
    ///
    /// # Errors
    /// To others than operators, where the operation is theirs: asked of the caller alone, before any
    /// name is looked at, so that it shows nobody which names exist.
    pub(super) fn admit(
        app: &Arc<App>,
        operation: Operation,
        caller: Option<Caller>,
        team: Option<Slug>,
        parameters: Vec<String>,
    ) -> Result<Self, ApiError> {
        let is_operator = caller.as_ref().is_some_and(|caller| caller.account.kind == AccountKind::Operator);
        if operation.needs() == Needs::Installation && !is_operator {
            return Err(forbidden().with_hint("this is done by an operator of the installation".to_owned()));
        }
        Ok(Self { app: Arc::clone(app), operation, caller, team, parameters })
    }

    /// The hall.
    pub(super) fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Which operation.
    pub(super) fn operation(&self) -> Operation {
        self.operation
    }

    /// Who, if anybody is signed in.
    pub(super) fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

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
