//! A mail server that keeps what it is given: SMTP with STARTTLS, TLS from the first byte, and the
//! faults that mail servers have.
//!
//! It stands here because the servers that could be embedded bring a second TLS provider along.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use aerostack_gateway::args::Flags;
use aerostack_gateway::config::Mail;
use aerostack_gateway::settings::{Environment, Settings};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// How it talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// In the clear.
    Plain,
    /// In the clear until asked for TLS.
    StartTls,
    /// Over TLS only.
    Tls,
    /// It takes nobody's mail.
    Refusing,
    /// It says nothing at all.
    Silent,
}

/// A letter that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whom it is for.
    pub to: String,
    /// Headers and parts as they came, soft line breaks undone.
    pub text: String,
    /// Whether it came over TLS.
    pub over_tls: bool,
    /// What was shown to sign in, if anything.
    pub credentials: Option<String>,
}

/// The server.
pub struct Mailbox {
    address: SocketAddr,
    manner: Manner,
    folder: TempDir,
    taken: Arc<Mutex<Vec<Taken>>>,
}

impl Mailbox {
    /// Opens one.
    ///
    /// # Panics
    /// When it cannot listen or make a certificate.
    pub async fn opens(manner: Manner) -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate can be made");
        let folder = TempDir::new().expect("a temporary folder can be made");
        std::fs::write(folder.path().join("root.pem"), made.cert.pem()).expect("it can be written");
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der());
        let config =
            rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .expect("the provider knows TLS")
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], key.expect("the key can be read"))
                .expect("certificate and key fit");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("it listens");
        let taken = Arc::default();
        tokio::spawn(serve(listener, acceptor, manner, Arc::clone(&taken)));
        Self { address, manner, folder, taken }
    }

    /// The settings of a gateway that mails through it.
    ///
    /// # Panics
    /// When they are refused.
    #[must_use]
    pub fn settings(&self) -> Mail {
        let port = self.address.port();
        let url = match self.manner {
            Manner::Tls => format!("smtps://gateway:pass%20word@localhost:{port}"),
            Manner::StartTls => format!("smtp://gateway:pass%20word@localhost:{port}?tls=required"),
            Manner::Plain | Manner::Refusing | Manner::Silent => format!("smtp://127.0.0.1:{port}"),
        };
        let root: PathBuf = self.folder.path().join("root.pem");
        let root = root.to_str().expect("the folder's name is text");
        let environment = Environment::from_pairs([
            ("AEROSTACK_SMTP_URL", url.as_str()),
            ("AEROSTACK_MAIL_FROM", "Aerostack <noreply@acme.test>"),
            ("AEROSTACK_SMTP_CA", root),
        ]);
        let settings = Settings::read(&Flags::default(), &environment).expect("the settings can be used");
        settings.config.mail.expect("mail is set")
    }

    /// Every letter so far.
    #[must_use]
    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first link of the last letter to somebody.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn link_for(&self, to: &str) -> String {
        let letter = self.taken().into_iter().rfind(|letter| letter.to == to).expect("there is a letter");
        let start = letter.text.find("http").expect("there is a link");
        letter.text[start..].split_whitespace().next().expect("the link has an end").to_owned()
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, manner: Manner, taken: Arc<Mutex<Vec<Taken>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, taken) = (acceptor.clone(), Arc::clone(&taken));
        tokio::spawn(async move {
            // Whoever breaks off is heard of no more.
            let _ = converse(stream, acceptor, manner, &taken).await;
        });
    }
}

async fn converse(
    mut stream: TcpStream,
    acceptor: TlsAcceptor,
    manner: Manner,
    taken: &Mutex<Vec<Taken>>,
) -> std::io::Result<()> {
    match manner {
        Manner::Silent => {
            let mut nothing = String::new();
            BufReader::new(stream).read_line(&mut nothing).await.map(drop)
        }
        Manner::Tls => {
            talk(&mut acceptor.accept(stream).await?, Talk::over_tls(manner), taken).await.map(drop)
        }
        Manner::Plain | Manner::StartTls | Manner::Refusing => {
            if talk(&mut stream, Talk::in_the_clear(manner), taken).await? == End::StartTls {
                let mut stream = acceptor.accept(stream).await?;
                talk(&mut stream, Talk { greets: false, ..Talk::over_tls(manner) }, taken).await?;
            }
            Ok(())
        }
    }
}

/// How one conversation begins.
#[derive(Clone, Copy)]
struct Talk {
    manner: Manner,
    over_tls: bool,
    greets: bool,
}

impl Talk {
    const fn in_the_clear(manner: Manner) -> Self {
        Self { manner, over_tls: false, greets: true }
    }

    const fn over_tls(manner: Manner) -> Self {
        Self { manner, over_tls: true, greets: true }
    }
}

#[derive(PartialEq, Eq)]
enum End {
    Closed,
    StartTls,
}

async fn talk<S>(stream: &mut S, talk: Talk, taken: &Mutex<Vec<Taken>>) -> std::io::Result<End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    if talk.greets {
        stream.write_all(b"220 mailbox\r\n").await?;
    }
    let (mut to, mut credentials) = (String::new(), None);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(End::Closed);
        }
        let word = line.split_whitespace().next().unwrap_or_default().to_uppercase();
        let answer = match word.as_str() {
            "EHLO" if talk.manner == Manner::StartTls && !talk.over_tls => "250-mailbox\r\n250 STARTTLS\r\n",
            "EHLO" => "250-mailbox\r\n250 AUTH PLAIN\r\n",
            "STARTTLS" => "220 go on\r\n",
            "AUTH" => {
                credentials = line.split_whitespace().nth(2).map(str::to_owned);
                "235 come in\r\n"
            }
            "RCPT" if talk.manner == Manner::Refusing => "550 no such mailbox here\r\n",
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                "250 ok\r\n"
            }
            "DATA" => "354 go on\r\n",
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
        match word.as_str() {
            "STARTTLS" => return Ok(End::StartTls),
            "QUIT" => return Ok(End::Closed),
            "DATA" => {
                let text = letter(&mut stream).await?;
                let letter =
                    Taken { to: to.clone(), text, over_tls: talk.over_tls, credentials: credentials.clone() };
                taken.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
                stream.write_all(b"250 taken\r\n").await?;
            }
            _ => {}
        }
    }
}

/// The lines up to the lonely dot, what was quoted for the way undone.
async fn letter<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        match line.trim_end() {
            "." | "" if line.is_empty() || line.starts_with('.') => break,
            // A soft line break of quoted-printable.
            quoted if quoted.ends_with('=') => text.push_str(&quoted[..quoted.len() - 1]),
            whole => {
                text.push_str(whole.strip_prefix('.').unwrap_or(whole));
                text.push('\n');
            }
        }
    }
    Ok(text.replace("=3D", "="))
}
