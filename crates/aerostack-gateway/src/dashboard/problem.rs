//! What is wrong with a form that was sent, and beside which field it is said.

use std::fmt::Display;

use aerostack_core::api::error::ErrorCode;
use http::StatusCode;

use super::form::Form;
use super::frame::{Notice, sentence};
use super::visitor::Visitor;
use crate::admin::ApiError;

/// What is wrong, or nothing.
pub(super) struct Problem {
    /// The status of the page that says it.
    pub(super) status: StatusCode,
    field: &'static str,
    text: Option<String>,
}

impl Problem {
    /// Nothing.
    pub(super) const fn none() -> Self {
        Self { status: StatusCode::OK, field: "", text: None }
    }

    /// What was typed into a field cannot be used.
    pub(super) fn with(field: &'static str, what: impl Display) -> Self {
        let text = format!("{}.", sentence(&what.to_string()).trim_end_matches('.'));
        Self { status: StatusCode::BAD_REQUEST, field, text: Some(text) }
    }

    /// A refusal of an operation, beside a field, or above all where it is of none (`""`).
    ///
    /// # Errors
    /// The page of a refusal that is not about what was typed: the thing is gone, the visitor may not, the
    /// gateway failed.
    pub(super) fn of(visitor: &Visitor, error: ApiError, field: &'static str) -> Result<Self, Notice> {
        let is_about_the_form = match error.code {
            ErrorCode::Unauthorized | ErrorCode::Forbidden | ErrorCode::NotFound | ErrorCode::Internal => {
                false
            }
            code => code.status() < 500,
        };
        let Notice { status, title, text } = visitor.notice(error);
        if !is_about_the_form {
            return Err(Notice { status, title, text });
        }
        let said = format!("{}. {}", title.trim_end_matches('.'), text);
        Ok(Self { status, field, text: Some(said.trim_end().to_owned()) })
    }

    /// What is to be said beside a field.
    pub(super) fn take(&mut self, field: &str) -> Option<String> {
        if self.field == field { self.text.take() } else { None }
    }

    /// What belongs to no field, once every field has taken its own.
    pub(super) fn rest(&mut self) -> Option<String> {
        self.text.take()
    }
}

/// A field that was filled in.
pub(super) fn filled<'a>(form: &'a Form, name: &str) -> Option<&'a str> {
    Some(form.field(name)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_said_once_beside_its_field_or_above_all() {
        let mut problem = Problem::with("slug", "this is no slug");
        assert_eq!((problem.take("name"), problem.take("slug")), (None, Some("This is no slug.".to_owned())));
        assert_eq!(problem.rest(), None);
        let mut problem = Problem::with("", "no");
        assert_eq!((problem.take("name"), problem.rest()), (None, Some("No.".to_owned())));
    }
}
