//! `check`: every effective setting, and whether `serve` would start with them. It changes nothing,
//! and works beside a running gateway.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use super::ground;
use super::master_key::{self, Place};
use crate::config::{Config, Database};
use crate::http::tls::Tls;
use crate::mail;
use crate::settings::{Setting, Settings};
use crate::store::Store;
use crate::store::sealed;
use crate::telemetry;
use crate::vault::MASTER_KEY_FILE;
use crate::vault::key_file::NEXT_KEY_FILE;

/// What was found out about one thing.
struct Finding {
    subject: &'static str,
    verdict: Verdict,
}

enum Verdict {
    Fine(String),
    /// `serve` starts, but somebody should know.
    Warning(String),
    /// `serve` does not start.
    Stops(String),
}

/// Prints settings and findings; the exit code is 1 when something would stop `serve`.
///
/// # Errors
/// When nobody reads the output.
pub async fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let (text, would_start) = report(settings).await;
    telemetry::result(&text)?;
    Ok(if would_start { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The whole report, and whether `serve` would start.
pub(super) async fn report(settings: &Settings) -> (String, bool) {
    let findings = look(&settings.config).await;
    let mut lines = table(&settings.shown);
    lines.push(String::new());
    let width = findings.iter().map(|finding| finding.subject.len()).max().unwrap_or(0);
    for Finding { subject, verdict } in &findings {
        let (mark, text) = match verdict {
            Verdict::Fine(text) => ("ok  ", text),
            Verdict::Warning(text) => ("warn", text),
            Verdict::Stops(text) => ("FAIL", text),
        };
        lines.push(format!("{mark}  {subject:width$}  {text}"));
    }
    for name in &settings.unknown {
        lines.push(format!("warn  {name} is not known and has no effect"));
    }
    let stops = findings.iter().any(|finding| matches!(finding.verdict, Verdict::Stops(_)));
    (lines.join("\n"), !stops)
}

fn table(settings: &[Setting]) -> Vec<String> {
    let width = settings.iter().map(|setting| setting.name.len()).max().unwrap_or(0);
    let row = |setting: &Setting| {
        let Setting { name, value, source } = setting;
        format!("{name:width$}  {value}  ({source})")
    };
    settings.iter().map(row).collect()
}

async fn look(config: &Config) -> Vec<Finding> {
    let mut findings = vec![Finding { subject: "data folder", verdict: folder(&config.data_dir) }];
    let store = database(config).await;
    let (verdict, store) = match store {
        Ok((verdict, store)) => (verdict, store),
        Err(verdict) => (verdict, None),
    };
    findings.push(Finding { subject: "database", verdict });
    findings.push(Finding { subject: "master key", verdict: master_key(config, store.as_ref()).await });
    if let Some(files) = &config.tls {
        let verdict = match Tls::open(files) {
            Ok(_) => Verdict::Fine("certificate and key can be used".to_owned()),
            Err(error) => Verdict::Stops(error.to_string()),
        };
        findings.push(Finding { subject: "TLS", verdict });
    }
    if let Some(mail) = &config.mail {
        let verdict = match mail::check(mail).await {
            Ok(()) => Verdict::Fine(format!("{}:{} is asked to take mail", mail.host, mail.port)),
            Err(error) => Verdict::Stops(format!("AEROSTACK_SMTP_CA: {error}")),
        };
        findings.push(Finding { subject: "mail", verdict });
    }
    if let Some(store) = store {
        store.close().await;
    }
    findings
}

fn folder(path: &Path) -> Verdict {
    let shown = path.display();
    match path.metadata() {
        Ok(found) if !found.is_dir() => Verdict::Stops(format!("{shown} is no folder")),
        Ok(_) => match probe(path) {
            Ok(()) => Verdict::Fine(format!("{shown} can be written")),
            Err(error) => Verdict::Stops(format!("{shown} cannot be written: {error}")),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let parent = path.ancestors().skip(1).find(|folder| folder.is_dir());
            match parent.map(probe) {
                Some(Ok(())) => Verdict::Fine(format!("{shown} will be made")),
                Some(Err(error)) => Verdict::Stops(format!("{shown} cannot be made: {error}")),
                None => Verdict::Stops(format!("{shown} cannot be made")),
            }
        }
        Err(error) => Verdict::Stops(format!("{shown} cannot be read: {error}")),
    }
}

/// Makes and removes a file: permission bits do not tell of full or read-only disks.
fn probe(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".aerostack-check-{}", std::process::id()));
    fs::File::create_new(&path)?;
    fs::remove_file(path)
}

/// Gives the open database as well, if its schema is this program's.
async fn database(config: &Config) -> Result<(Verdict, Option<Store>), Verdict> {
    if let Database::Sqlite(path) = &config.database
        && !path.exists()
    {
        return Ok((Verdict::Fine("will be made at the first start".to_owned()), None));
    }
    let stops = |error: anyhow::Error| Verdict::Stops(format!("{error:#}"));
    let store = ground::open(config).await.map_err(stops)?;
    match store.schema_is_current().await {
        Ok(true) => Ok((Verdict::Fine("reachable, its schema is up to date".to_owned()), Some(store))),
        Ok(false) => {
            store.close().await;
            Ok((
                Verdict::Fine("reachable; its schema is brought up to date at the next start".to_owned()),
                None,
            ))
        }
        Err(error) => {
            store.close().await;
            Err(stops(error.into()))
        }
    }
}

async fn master_key(config: &Config, store: Option<&Store>) -> Verdict {
    let path = config.data_dir.join(MASTER_KEY_FILE);
    let present = match master_key::present(config) {
        Ok(present) => present,
        Err(error) => return Verdict::Stops(format!("{error:#}")),
    };
    let fitting = match store {
        None => Ok(None),
        Some(store) => master_key::fitting(config, store).await,
    };
    let fitting = match fitting {
        Ok(fitting) => fitting.map(|(place, _)| place),
        Err(error) => return Verdict::Stops(format!("{error:#}")),
    };
    let shown = |place| match place {
        Place::Variable => "AEROSTACK_MASTER_KEY".to_owned(),
        Place::File => path.display().to_string(),
        Place::NextVariable => "AEROSTACK_MASTER_KEY_NEW".to_owned(),
        Place::NextFile => config.data_dir.join(NEXT_KEY_FILE).display().to_string(),
    };
    match (fitting, present) {
        (Some(place @ (Place::NextVariable | Place::NextFile)), _) => Verdict::Warning(format!(
            "replacing the key was broken off; the database is sealed under the key in {}",
            shown(place)
        )),
        (Some(place), _) => Verdict::Fine(format!("{} can be read and fits the database", shown(place))),
        (None, Some((place, _))) if store.is_none() => Verdict::Fine(format!("{} can be read", shown(place))),
        (None, Some((place, _))) => {
            Verdict::Warning(format!("{} is not the key this database was sealed with", shown(place)))
        }
        (None, None) => missing_key(&path, store).await,
    }
}

async fn missing_key(path: &Path, store: Option<&Store>) -> Verdict {
    let sealed = match store {
        None => Ok(false),
        Some(store) => match store.read().await {
            Ok(mut tx) => sealed::is_anything_sealed(&mut tx).await,
            Err(error) => Err(error),
        },
    };
    match sealed {
        Ok(false) => Verdict::Fine(format!("{} will be made at the first start", path.display())),
        Ok(true) => {
            Verdict::Warning(format!("the database was sealed, and its key is not at {}", path.display()))
        }
        Err(error) => Verdict::Stops(error.to_string()),
    }
}
