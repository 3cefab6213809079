//! The mail server and the sender: both or neither.
//!
//! Whoever writes `smtp://` means a server that is asked for TLS (STARTTLS). It is demanded unless the
//! server is on this machine, so that neither links nor passwords travel in the clear by oversight;
//! `?tls=` says otherwise.

use std::path::PathBuf;

use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::reader::{BadSetting, Kind, Reader};
use super::value::{OPTIONAL_PATH, mask};
use crate::config::{Mail, MailTls};

const SMTP_URL: &str = "AEROSTACK_SMTP_URL";
const MAIL_FROM: &str = "AEROSTACK_MAIL_FROM";

/// Ports by custom: TLS from the first byte, submission, transfer.
const PORT_TLS: u16 = 465;
const PORT_SUBMISSION: u16 = 587;
const PORT_TRANSFER: u16 = 25;

/// A mail server, before sender and roots are known.
struct Server {
    url: SecretString,
    host: String,
    port: u16,
    tls: MailTls,
}

const SERVER: Kind<Option<Server>> = Kind {
    parse: |text| parse_server(text).map(Some),
    show: |server| {
        server
            .as_ref()
            .map_or_else(|| "none".to_owned(), |server| mask(server.url.expose_secret(), "smtp://***"))
    },
};
const FROM: Kind<Option<Mailbox>> = Kind {
    parse: |text| parse_from(text).map(Some),
    show: |from| from.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string),
};

/// Reads the settings of mail.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Option<Mail>, BadSetting> {
    let server = reader.variable(SMTP_URL, SERVER, || Ok(None))?;
    let from = reader.variable(MAIL_FROM, FROM, || Ok(None))?;
    let roots: Option<PathBuf> = reader.variable("AEROSTACK_SMTP_CA", OPTIONAL_PATH, || Ok(None))?;
    match (server, from) {
        (Some(Server { url, host, port, tls }), Some(from)) => {
            Ok(Some(Mail { url, host, port, tls, roots, from }))
        }
        (Some(_), None) => Err(BadSetting::of(MAIL_FROM, "it is needed beside AEROSTACK_SMTP_URL")),
        // A sender alone sends nothing, and waits for its server.
        (None, _) => Ok(None),
    }
}

/// The text may hold a password, so no reason repeats it.
fn parse_server(text: &str) -> Result<Server, String> {
    const EXPECTED: &str = "expected smtp://user:password@host:587 or smtps://user:password@host; characters such as \
                            @ / : # in a password are percent-encoded";
    let mut url = Url::parse(text).map_err(|_| EXPECTED.to_owned())?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(EXPECTED)?.to_owned();
    let bare_path = matches!(url.path(), "" | "/") && url.fragment().is_none();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let asked = match pairs.as_slice() {
        [] => None,
        [(name, word)] if name == "tls" => Some(word.as_str()),
        _ => return Err("after the host stands ?tls=required, ?tls=opportunistic or ?tls=none".to_owned()),
    };
    let tls = match (url.scheme(), asked) {
        ("smtps", None) => MailTls::Always,
        ("smtps", Some(_)) => return Err("smtps:// is TLS already and takes no ?tls=".to_owned()),
        ("smtp", None) if is_loopback(&host) => MailTls::Never,
        ("smtp", None | Some("required")) => MailTls::Required,
        ("smtp", Some("opportunistic")) => MailTls::Opportunistic,
        ("smtp", Some("none")) => MailTls::Never,
        ("smtp", Some(_)) => return Err("?tls= is required, opportunistic or none".to_owned()),
        _ => return Err(EXPECTED.to_owned()),
    };
    let by_custom = match tls {
        MailTls::Always => PORT_TLS,
        MailTls::Required => PORT_SUBMISSION,
        MailTls::Opportunistic | MailTls::Never => PORT_TRANSFER,
    };
    let port = url.port().unwrap_or(by_custom);
    url.set_query(None);
    let url = url.to_string();
    if !bare_path || AsyncSmtpTransport::<Tokio1Executor>::from_url(&url).is_err() {
        return Err(EXPECTED.to_owned());
    }
    Ok(Server { url: url.into(), host: host.trim_matches(['[', ']']).to_owned(), port, tls })
}

fn is_loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Err(_) => false,
    }
}

fn parse_from(text: &str) -> Result<Mailbox, String> {
    text.parse().map_err(|_| {
        format!("'{text}' is no sender, such as Aerostack <noreply@company.com> or noreply@company.com")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> Result<(String, u16, MailTls), String> {
        parse_server(text).map(|server| (server.host, server.port, server.tls))
    }

    #[test]
    fn tls_is_demanded_unless_the_server_is_here_or_somebody_says_otherwise() {
        for (text, host, port, tls) in [
            ("smtps://u:p@mail.co.com", "mail.co.com", 465, MailTls::Always),
            ("smtp://mail.co.com", "mail.co.com", 587, MailTls::Required),
            ("smtp://mail.co.com:2525?tls=opportunistic", "mail.co.com", 2525, MailTls::Opportunistic),
            ("smtp://mail.co.com?tls=none", "mail.co.com", 25, MailTls::Never),
            ("smtp://localhost:1025", "localhost", 1025, MailTls::Never),
            ("smtp://127.0.0.1", "127.0.0.1", 25, MailTls::Never),
            ("smtp://[::1]:25?tls=required", "::1", 25, MailTls::Required),
        ] {
            assert_eq!(server(text), Ok((host.to_owned(), port, tls)), "{text}");
        }
    }

    #[test]
    fn no_refusal_repeats_a_password() {
        for text in [
            "mail.co.com:587",
            "http://u:hunter2@mail.co.com",
            "smtp://u:hunter2@",
            "smtp://u:hunter2@mail.co.com?tls=maybe",
            "smtps://u:hunter2@mail.co.com?tls=none",
            "smtp://u:hunter2@mail.co.com/path",
            "smtp://u:hunter2@mail.co.com?other=1",
            "smtp://u:hunter2@x/y@mail.co.com",
        ] {
            let reason = server(text).unwrap_err();
            assert!(!reason.contains("hunter2"), "{text}: {reason}");
        }
    }
}
