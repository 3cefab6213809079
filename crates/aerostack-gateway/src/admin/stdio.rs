//! Who may have programs run as servers: whoever may say what is run can do on this machine what the
//! gateway can.
//!
//! An operator says it, in an operator's catalogue, and only where the gateway was started to allow it. Those
//! who may install from that catalogue choose among programs, they make none. A secret becomes a variable,
//! and some variables make a program run another: others than operators set those an operator has named.

use aerostack_core::account::{Account, AccountKind};
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::server::{AddServerRequest, EditServerRequest, EditStdio};
use aerostack_core::secret::SecretName;
use aerostack_core::server::{Auth, Server, parse_url};
use aerostack_core::stdio::{StdioCommand, StdioError};
use url::Url;

use super::call::Call;
use super::error::ApiError;
use crate::store::secret::SecretHolder;
use crate::upstream::STDIO_SWITCHED_OFF;

impl From<StdioError> for ApiError {
    fn from(error: StdioError) -> Self {
        Self::invalid(error.to_string())
    }
}

/// Where a new server is, what is run, and how it is given secrets.
pub(super) struct Place {
    pub(super) url: Url,
    pub(super) stdio: Option<StdioCommand>,
    pub(super) auth: Auth,
}

impl Place {
    /// Reads what was asked for: an address or a command, and a way to authenticate that fits it.
    pub(super) fn read(request: &AddServerRequest) -> Result<Self, ApiError> {
        let auth = request.auth.clone();
        match (&request.url, &request.stdio) {
            (Some(url), None) => {
                fits(None, &auth)?;
                Ok(Self { url: parse_url(url)?, stdio: None, auth })
            }
            (None, Some(command)) => {
                let auth = if auth == Auth::None { Auth::Environment } else { auth };
                fits(Some(command), &auth)?;
                command.check()?;
                Ok(Self { url: command.address(), stdio: Some(command.clone()), auth })
            }
            _ => Err(ApiError::invalid("a server has either an address or a command")
                .with_hint("give one of: --url URL, --stdio -- COMMAND".to_owned())),
        }
    }
}

/// Checks that secrets can be given so.
pub(super) fn fits(stdio: Option<&StdioCommand>, auth: &Auth) -> Result<(), ApiError> {
    match (stdio, auth) {
        (Some(_), Auth::Environment) => Ok(()),
        (Some(_), _) => Err(ApiError::invalid("a program is given its secrets in its environment")
            .with_hint("leave --auth out".to_owned())),
        (None, Auth::Environment) => {
            Err(ApiError::invalid("only a program is given its secrets in its environment")
                .with_hint("choose one of: none, bearer:KEY, headers".to_owned()))
        }
        (None, _) => Ok(()),
    }
}

/// What a server runs after a change. A program stays one, and a server at an address too.
pub(super) fn edited(
    call: &Call,
    catalogue: &Account,
    server: &Server,
    request: &EditServerRequest,
) -> Result<Option<StdioCommand>, ApiError> {
    let other = |what: &str| {
        Err(ApiError::invalid(format!("'{}' is {what}", server.slug))
            .with_hint("add the other one under a name of its own: aerostack mcp add".to_owned()))
    };
    let Some(before) = server.stdio.clone() else {
        return if request.stdio.is_some() {
            other("no program but a server at an address")
        } else {
            Ok(None)
        };
    };
    may_register(call, catalogue)?;
    if request.url.is_some() {
        return other("a program and has no address");
    }
    let EditStdio { command, env, secrets } = request.stdio.clone().unwrap_or_default();
    let after = StdioCommand {
        command: command.unwrap_or(before.command),
        env: env.unwrap_or(before.env),
        secrets: secrets.unwrap_or(before.secrets),
    };
    after.check()?;
    Ok(Some(after))
}

/// Refuses whoever may not say what is run, in whose catalogue soever.
pub(super) fn may_register(call: &Call, catalogue: &Account) -> Result<(), ApiError> {
    if !call.is_operator() {
        let message = "only an operator adds or changes servers that are programs";
        return Err(ApiError::new(ErrorCode::Forbidden, message).with_hint(
            "ask whoever runs this gateway, or add the server by its address: --url URL".to_owned(),
        ));
    }
    may_run(call, catalogue)
}

/// Refuses to run what stands in nobody's catalogue who may say it, or where nothing is run.
pub(super) fn may_run(call: &Call, catalogue: &Account) -> Result<(), ApiError> {
    if catalogue.kind != AccountKind::Operator {
        let message =
            format!("@{} is no operator: no program is run from this catalogue", catalogue.username);
        return Err(ApiError::new(ErrorCode::Forbidden, message)
            .with_hint("an operator keeps such servers in a catalogue of their own".to_owned()));
    }
    if call.app.config.stdio.is_none() {
        return Err(ApiError::new(ErrorCode::Conflict, STDIO_SWITCHED_OFF)
            .with_hint("start the gateway with --allow-stdio, or AEROSTACK_ALLOW_STDIO=true".to_owned()));
    }
    Ok(())
}

/// Refuses a secret whose name nobody but an operator may choose.
pub(super) fn may_set(call: &Call, holder: &SecretHolder, name: &SecretName) -> Result<(), ApiError> {
    let Some(command) = &holder.stdio else { return Ok(()) };
    if call.is_operator() || command.secrets.contains(name) {
        return Ok(());
    }
    let message =
        format!("'{}' is a program, and no operator has named {name} among its secrets", holder.slug);
    Err(ApiError::new(ErrorCode::Forbidden, message)
        .with_hint(format!("an operator names it with: aerostack mcp edit <server> --secret {name}")))
}
