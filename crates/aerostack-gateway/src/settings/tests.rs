//! Which settings are taken, which are refused, and that every refusal has a name and no secret.

use std::time::Duration;

use aerostack_core::plan::Plan;

use super::{Environment, Settings, Source};
use crate::args::Flags;
use crate::config::{Config, Database};

fn read<const N: usize>(pairs: [(&str, &str); N]) -> Result<Settings, super::BadSetting> {
    Settings::read(&Flags::default(), &Environment::from_pairs(pairs))
}

fn config<const N: usize>(pairs: [(&str, &str); N]) -> Config {
    read(pairs).unwrap().config
}

#[test]
fn without_any_setting_the_defaults_hold() {
    let settings = read([("AEROSTACK_LISTEN", "")]).unwrap();
    assert_eq!(settings.config.listen.to_string(), "127.0.0.1:8787");
    assert!(settings.config.data_dir.ends_with("aerostack"));
    assert!(
        matches!(&settings.config.database, Database::Sqlite(path) if path.ends_with("aerostack/aerostack.db"))
    );
    assert!(settings.shown.iter().all(|setting| setting.source == Source::Default));
    assert!(settings.unknown.is_empty());
}

#[test]
fn a_flag_wins_over_a_variable() {
    let flags = Flags { listen: Some("[::1]:9000".into()), data_dir: Some("/d".into()), ..Flags::default() };
    let environment = Environment::from_pairs([
        ("AEROSTACK_LISTEN", "127.0.0.1:1"),
        ("AEROSTACK_PUBLIC_URL", "https://mcp.co.com/x/"),
    ]);
    let settings = Settings::read(&flags, &environment).unwrap();
    assert_eq!(settings.config.listen.to_string(), "[::1]:9000");
    assert_eq!(
        settings.config.public_url.as_ref().map(ToString::to_string).as_deref(),
        Some("https://mcp.co.com/x/")
    );
    let source = |name| settings.shown.iter().find(|setting| setting.name == name).unwrap().source;
    assert_eq!(source("AEROSTACK_LISTEN"), Source::Flag);
    assert_eq!(source("AEROSTACK_PUBLIC_URL"), Source::Environment);
    assert_eq!(settings.flags_to_repeat(), " --data-dir /d");
}

#[test]
fn limits_are_read_with_their_units() {
    let limits = config([
        ("AEROSTACK_LIMIT_BODY", "2MiB"),
        ("AEROSTACK_LIMIT_WHOLE_ANSWER", "2048"),
        ("AEROSTACK_LIMIT_CALL_IDLE_TIMEOUT", "5m"),
        ("AEROSTACK_LIMIT_CONNECTIONS", "7"),
        ("AEROSTACK_RATE_LIMIT_PER_MINUTE", "600"),
    ])
    .limits;
    assert_eq!((limits.body_limit_bytes, limits.whole_answer_bytes), (2 << 20, 2_048));
    assert_eq!(limits.call_idle_timeout, Duration::from_secs(300));
    assert_eq!((limits.connections, limits.rate_limit_per_minute), (7, 600));
}

#[test]
fn plans_are_changed_one_by_one() {
    let plans = config([("AEROSTACK_PLANS", "pro.tokens=50, free.workspaces=unlimited,team.rate=600")]).plans;
    assert_eq!((plans.limits(Plan::Pro).tokens, plans.limits(Plan::Pro).workspaces), (Some(50), Some(5)));
    assert_eq!(plans.limits(Plan::Free).workspaces, None);
    assert_eq!(plans.limits(Plan::Team).rate_limit_per_minute, Some(600));
}

#[test]
fn lists_of_origins_and_networks_are_read() {
    let config = config([
        ("AEROSTACK_ALLOWED_ORIGINS", "https://Tools.co.com/, http://localhost:3000,vscode-webview://abc"),
        ("AEROSTACK_UPSTREAM_ALLOW", "10.0.0.0/8, fd00::/8,192.168.1.5"),
    ]);
    assert_eq!(
        config.allowed_origins,
        ["https://tools.co.com", "http://localhost:3000", "vscode-webview://abc"]
    );
    assert_eq!(config.upstream_allow.len(), 3);
}

#[test]
fn every_bad_setting_is_refused_by_name() {
    let limits = super::limits::help();
    let bad_limits = limits.iter().map(|(name, _)| (*name, "much"));
    let others = [
        ("AEROSTACK_LISTEN", "8787"),
        ("AEROSTACK_LISTEN", "example.com:80"),
        ("AEROSTACK_DATABASE_URL", "mysql://x"),
        ("AEROSTACK_DATABASE_URL", "sqlite:"),
        ("AEROSTACK_DATABASE_URL", "sqlite::memory:"),
        ("AEROSTACK_DATABASE_URL", "postgres://user:pass@word@/:x"),
        ("AEROSTACK_PUBLIC_URL", "mcp.company.com"),
        ("AEROSTACK_PUBLIC_URL", "ftp://mcp.company.com"),
        ("AEROSTACK_PUBLIC_URL", "https://mcp.company.com/?a=b"),
        ("AEROSTACK_ALLOWED_ORIGINS", "*"),
        ("AEROSTACK_ALLOWED_ORIGINS", "https://a.com/path"),
        ("AEROSTACK_UPSTREAM_ALLOW", "10.0.0.0/40"),
        ("AEROSTACK_PLANS", "gold.tokens=1"),
        ("AEROSTACK_PLANS", "pro.tokens=many"),
        ("AEROSTACK_PLANS", "pro.rate=unlimited"),
        ("AEROSTACK_MASTER_KEY", "secret-but-short"),
        ("AEROSTACK_LOG", "info,=loud"),
        ("AEROSTACK_LIMIT_CONNECTIONS", "0"),
        ("AEROSTACK_LIMIT_HEADERS", "1GiB"),
        ("AEROSTACK_LIMIT_BODY", "16MB"),
        ("AEROSTACK_LIMIT_LIST_TIMEOUT", "0"),
    ];
    for (name, value) in others.into_iter().chain(bad_limits) {
        let refused = read([(name, value)]).expect_err(name).to_string();
        assert!(refused.starts_with(&format!("{name}: ")), "{refused}");
        assert!(!refused.contains("secret-but-short") && !refused.contains("pass@word"), "{refused}");
    }
    for name in ["AEROSTACK_TLS_CERT", "AEROSTACK_TLS_KEY"] {
        assert!(read([(name, "/file")]).is_err(), "one file without the other");
    }
    let flags = Flags { listen: Some("nowhere".into()), ..Flags::default() };
    let refused = Settings::read(&flags, &Environment::default()).unwrap_err();
    assert_eq!(refused.name, "--listen (AEROSTACK_LISTEN)");
}

#[test]
fn what_is_shown_holds_no_secret() {
    let settings = read([
        ("AEROSTACK_DATABASE_URL", "postgres://gate:hunter2@db.co.com/aerostack?sslpassword=hunter2"),
        ("AEROSTACK_MASTER_KEY", &"07".repeat(32)),
    ])
    .unwrap();
    let shown: Vec<&str> = settings.shown.iter().map(|setting| setting.value.as_str()).collect();
    assert!(shown.contains(&"postgres://gate:***@db.co.com/aerostack?sslpassword=***"), "{shown:?}");
    assert!(!shown.iter().any(|value| value.contains("hunter2") || value.contains("0707")));
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn a_mistyped_variable_is_pointed_out() {
    let settings =
        read([("AEROSTACK_LISTN", "x"), ("AEROSTACK_API_KEY", "ak_x"), ("AEROSTACK_TEST_X", "1")]).unwrap();
    assert_eq!(settings.unknown.len(), 1);
    assert!(
        settings.unknown[0].starts_with("AEROSTACK_LISTN (did you mean 'AEROSTACK_LISTEN'"),
        "{:?}",
        settings.unknown
    );
}
