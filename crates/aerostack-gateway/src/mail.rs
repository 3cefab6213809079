//! Mail: letters in plain text and HTML, handed to one SMTP server within a deadline.
//!
//! A connection is made for every letter: letters are few, and a connection that is kept is one that
//! may be dead. Letters hold links, so their text is in no log and no error.

use std::time::Duration;

use lettre::message::{Mailbox, Message, MultiPart};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::ExposeSecret;

use aerostack_core::account::Email;

use crate::config::{Mail, MailTls};

mod letter;

pub use letter::Letter;

/// Why a letter was not sent. What the server itself said is for the log: it may name what is nobody
/// else's business.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The address is none that mail can be sent to.
    #[error("mail cannot be sent to this address")]
    Address,
    /// The file with roots, or the server's address, cannot be used.
    #[error("the mail server's settings cannot be used")]
    Settings,
    /// The server did not take the letter in time.
    #[error("the mail server did not answer in time")]
    TooSlow,
    /// The server said no.
    #[error("the mail server refused the mail ({code})")]
    Refused {
        /// Its code.
        code: u16,
    },
    /// The server shows a certificate that nobody vouches for.
    #[error("the mail server's certificate is not accepted")]
    Untrusted,
    /// The server does not offer the protection, or the way to sign in, that is demanded.
    #[error("the mail server does not offer what the settings demand: STARTTLS, or a way to sign in")]
    Unwilling,
    /// The server cannot be reached.
    #[error("the mail server cannot be reached")]
    Unreachable,
}

/// Sends a letter; when this returns `Ok`, the server has taken it.
///
/// *Cancellation*: dropped, the letter may or may not have been taken.
///
/// # Errors
/// [`MailError`]; after a time that ran out the letter may have been taken all the same.
pub async fn send(mail: &Mail, to: &Email, letter: Letter, limit: Duration) -> Result<(), MailError> {
    let to: Mailbox = to.as_str().parse().map_err(|_| MailError::Address)?;
    let message = Message::builder()
        .from(mail.from.clone())
        .to(to)
        .message_id(Some(message_id(&mail.from)))
        .subject(letter.subject)
        .multipart(MultiPart::alternative_plain_html(letter.text, letter.html))
        .map_err(|_| MailError::Address)?;
    let transport = transport(mail, limit).await?;
    match tokio::time::timeout(limit, transport.send(message)).await {
        Err(_) => Err(MailError::TooSlow),
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(told(&error)),
    }
}

/// A name for one letter, under the sender's domain: who checks letters distrusts one without, and the
/// machine's own name is nobody's business.
fn message_id(from: &Mailbox) -> String {
    let number: u128 = rand::random();
    format!("<{number:032x}@{}>", from.email.domain())
}

/// Tells whether the settings can be used, without talking to the server.
///
/// # Errors
/// [`MailError::Settings`].
pub async fn check(mail: &Mail) -> Result<(), MailError> {
    transport(mail, Duration::from_secs(1)).await.map(drop)
}

async fn transport(mail: &Mail, limit: Duration) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
    // A second installation fails, and that is what is wanted: the first one stands.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(mail.url.expose_secret());
    let tls = match mail.tls {
        MailTls::Always => Tls::Wrapper(parameters(mail).await?),
        MailTls::Required => Tls::Required(parameters(mail).await?),
        MailTls::Opportunistic => Tls::Opportunistic(parameters(mail).await?),
        MailTls::Never => Tls::None,
    };
    let builder = builder.map_err(|_| MailError::Settings)?;
    Ok(builder.port(mail.port).tls(tls).timeout(Some(limit)).build())
}

async fn parameters(mail: &Mail) -> Result<TlsParameters, MailError> {
    let mut builder = TlsParameters::builder(mail.host.clone());
    if let Some(path) = &mail.roots {
        let pem = tokio::fs::read(path).await.map_err(|_| MailError::Settings)?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|_| MailError::Settings)?);
    }
    builder.build_rustls().map_err(|_| MailError::Settings)
}

/// Tells whether what came was no TLS that can be trusted: so the handshake's faults are handed on.
fn is_invalid_data(error: &lettre::transport::smtp::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return io.kind() == std::io::ErrorKind::InvalidData;
        }
        source = cause.source();
    }
    false
}

fn told(error: &lettre::transport::smtp::Error) -> MailError {
    // The server's own words: nothing of the letter is in them unless the server puts it there.
    tracing::debug!(error = ?error, "the mail server");
    match error.status() {
        Some(code) => MailError::Refused { code: code.into() },
        None if error.is_timeout() => MailError::TooSlow,
        None if error.is_client() => MailError::Unwilling,
        None if error.is_tls() || is_invalid_data(error) => MailError::Untrusted,
        None => MailError::Unreachable,
    }
}
