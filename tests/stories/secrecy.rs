//! No token, key or link is found in the clear: not in the database, not in the log at its loudest,
//! not in the audit log. The real program runs, everything is done that shows or takes a secret, and
//! then every byte that was left behind is searched.

use std::path::{Path, PathBuf};

use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::Empty;
use aerostack_core::skill::Visibility;
use aerostack_tests::browser::{Browser, path_of};
use aerostack_tests::client::Caller;
use aerostack_tests::function::Function;
use aerostack_tests::person::Person;
use aerostack_tests::program::{Process, runs_gateway, runs_script};
use aerostack_tests::story::{World, story};
use aerostack_tests::upstream::{Setup, Upstream};
use aerostack_tests::wire::ask;
use serde_json::json;

/// Hex digits of a credential that are decided by chance; what stands before them is no secret.
const CHANCE_LEN: usize = 48;

/// Texts that nobody may find, each with what it is.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    /// A text of which no part may be found.
    fn keep(&mut self, what: &'static str, secret: &str) {
        assert!(secret.len() >= 16, "{what} would be found by chance");
        self.0.push((what, secret.to_owned()));
    }

    /// A credential of ours, of which only the beginning may be known.
    fn keep_credential(&mut self, what: &'static str, credential: &str) {
        let at = credential.len().checked_sub(CHANCE_LEN).expect("a credential has a part of chance");
        self.keep(what, &credential[at..]);
    }

    fn search(&self, place: &str, bytes: &[u8]) {
        for (what, secret) in &self.0 {
            let found = bytes.windows(secret.len()).position(|window| window == secret.as_bytes());
            if let Some(at) = found {
                let around = &bytes[at.saturating_sub(300)..bytes.len().min(at + 20)];
                panic!("{what} stands in {place}: …{}…", String::from_utf8_lossy(around));
            }
        }
    }

    /// Searches every file of a folder and of those within, but those to leave out.
    fn search_folder(&self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => self.search_folder(&path),
                false => self.search(&path.display().to_string(), &std::fs::read(&path).unwrap_or_default()),
            }
        }
    }
}

#[tokio::test]
async fn no_secret_is_found_in_database_log_or_audit() {
    story(async |world| {
        let log = world.place.folder().join("everything.log");
        let process = Process::starts_logging(&world.place, &log).await;
        let owner = process.owner(&world.place).await;
        let mut secrets = Secrets::default();
        secrets.keep_credential("the owner's key", &owner.key);
        let caller = shows_and_takes_tokens(world, &owner, &mut secrets).await;
        calls_in_every_way(&caller).await;
        let _holders = sets_and_changes_secrets(&owner, &caller, &mut secrets).await;
        shows_and_takes_keys(&owner, &mut secrets).await;
        shows_and_takes_links(world, &owner, &mut secrets).await;
        puts_secrets_where_they_do_not_belong(&owner, &caller).await;

        let audit = commands(world, &owner, "aerostack workspace audit engineering --output json").await;
        assert!(audit.contains("token_revoked"), "{audit}");
        secrets.search("the audit log", audit.as_bytes());
        // While it runs: journals and what is not yet written through are there too.
        secrets.search_folder(&world.place.config().data_dir);
        let copy = backup(world).await;
        process.is_asked_to_end();
        assert!(process.ends().await.success());
        secrets.search_folder(&world.place.config().data_dir);
        secrets.search("a backup", &std::fs::read(copy).unwrap());
        let logged = std::fs::read(&log).unwrap();
        let is_loudest = logged.windows(5).any(|word| word == b"TRACE");
        assert!(is_loudest, "the log is at its loudest");
        secrets.search("the log", &logged);
    })
    .await;
}

/// Runs commands in a shell; gives what they print.
async fn commands(world: &World, person: &Person, script: &str) -> String {
    let ran = runs_script(person, world.place.folder(), script, &[]).await;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{script}: {text}");
    text
}

/// Every way a token is shown or taken at the command line; gives somebody who holds one that works.
async fn shows_and_takes_tokens(world: &World, owner: &Person, secrets: &mut Secrets) -> Caller {
    let upstream = Setup::legacy().start().await;
    let create = "aerostack workspace token create engineering --output token --name";
    commands(world, owner, "aerostack workspace create engineering --use").await;
    owner.installs("desk", &upstream).await;
    let mut token = None;
    for name in ["Alice", "Bob", "Carol"] {
        let order = format!("{create} {name} --for {}@company.com 2>/dev/null", name.to_lowercase());
        let shown = commands(world, owner, &order).await.trim().to_owned();
        secrets.keep_credential("a token", &shown);
        token = Some(shown);
    }
    let token = token.expect("three were made");
    let rotate = "aerostack workspace token rotate engineering --name Alice --output json 2>/dev/null";
    let rotated: serde_json::Value = serde_json::from_str(&commands(world, owner, rotate).await).unwrap();
    let rotated = rotated["token"].as_str().unwrap();
    secrets.keep_credential("a rotated token", rotated);
    commands(world, owner, &format!("aerostack workspace token revoke engineering {rotated}")).await;
    commands(world, owner, &format!("! aerostack offboard {token} --yes")).await;
    commands(world, owner, "aerostack offboard bob@company.com --yes").await;
    Caller {
        address: owner.address,
        path: "/ws/engineering".to_owned(),
        token,
        id: String::new(),
        headers: Vec::new(),
    }
}

async fn calls_in_every_way(caller: &Caller) {
    let echo = json!({ "text": "hi" });
    assert_eq!(caller.calls("desk__echo", echo.clone()).await.status(), 200);
    assert_eq!(caller.calls_modern("desk__echo", echo.clone()).await.status(), 200);
    let (inside, _) = caller.initializes("2025-11-25").await;
    assert_eq!(inside.calls("desk__echo", echo).await.status(), 200);
    drop(caller.opens_sse().await);
    assert_eq!(caller.at("/ws/elsewhere").asks("ping", json!({})).await.status(), 401);
    assert_eq!(caller.posts("{ not json").await.status(), 400);
}

/// What servers and functions are to be sent, set and changed and deleted, and sent; gives who was sent it.
async fn sets_and_changes_secrets(
    owner: &Person,
    caller: &Caller,
    secrets: &mut Secrets,
) -> (Upstream, Function) {
    let upstream = Setup::legacy().start().await;
    owner.installs_with("crm", &upstream, "headers").await;
    let function = Function::starts().await;
    owner.publishes("deploy", Visibility::Team, &function).await;
    owner.installs_skill("deploy").await.unwrap();
    for (server, tool) in [("crm", "crm__echo"), ("deploy", "deploy__echo")] {
        for round in ["first", "second"] {
            let value = format!("value-of-{server}-{round}-0123456789");
            secrets.keep("a server's secret", &value);
            owner.sets_secret("CRM_KEY", server, &value).await;
            assert_eq!(caller.calls(tool, json!({ "text": "hi" })).await.tool_text().as_deref(), Some("hi"));
        }
    }
    let sent = upstream.calls().pop().unwrap().header("x-mcp-secret-crm-key").map(str::to_owned);
    assert_eq!(sent.as_deref(), Some("value-of-crm-second-0123456789"));
    assert_eq!(function.calls()[1].body["secrets"]["CRM_KEY"], "value-of-deploy-second-0123456789");
    owner.deletes_secret("CRM_KEY", "crm").await;
    (upstream, function)
}

async fn shows_and_takes_keys(owner: &Person, secrets: &mut Secrets) {
    let request = aerostack_core::api::account::CreateKeyRequest { name: "CI".to_owned() };
    let made = owner.asks::<endpoint::CreateKey>(&[], &request).await.unwrap();
    secrets.keep_credential("an account key", &made.key);
    let with_it = Person { key: made.key, ..owner.clone() };
    with_it.asks::<endpoint::ShowAccount>(&[], &Empty {}).await.unwrap();
    owner.asks::<endpoint::RevokeKey>(&["CI"], &Empty {}).await.unwrap();
    with_it.asks::<endpoint::ShowAccount>(&[], &Empty {}).await.unwrap_err();
}

/// Links into the team and a workspace, and into a browser; each on its page too, and once it is dead.
async fn shows_and_takes_links(world: &World, owner: &Person, secrets: &mut Secrets) {
    let invites = ["team invite dora@company.com", "workspace member invite engineering emil@company.com"];
    for (invite, username) in invites.into_iter().zip(["dora", "emil"]) {
        let link = commands(world, owner, &format!("aerostack {invite} 2>/dev/null")).await.trim().to_owned();
        secrets.keep_credential("an invitation's link", &link);
        let mut browser = Browser::at(owner.address);
        assert_eq!(browser.opens(&path_of(&link)).await.status(), 200);
        let joined = browser.sends(&path_of(&link), &[("username", username)]).await;
        assert_eq!(joined.status(), 200, "{}", joined.text());
        keep_shown(&joined.text(), secrets);
        keep_cookies(&browser, secrets);
        let again = format!("! aerostack team join {link} --username again");
        commands(world, owner, &again).await;
        assert_eq!(browser.opens(&format!("{}x", path_of(&link))).await.status(), 404);
    }
    let made = owner.asks::<endpoint::CreateSignInLink>(&[], &Empty {}).await.unwrap();
    secrets.keep_credential("a link that signs in", &made.url);
    let mut browser = Browser::at(owner.address);
    browser.opens(&path_of(&made.url)).await;
    browser.sends(&path_of(&made.url), &[]).await;
    assert_eq!(browser.opens("/").await.status(), 200);
    keep_cookies(&browser, secrets);
}

/// What a page shows once.
fn keep_shown(page: &str, secrets: &mut Secrets) {
    let words = page.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let shown =
        words.filter(|word| word.len() > CHANCE_LEN && (word.starts_with("ak_") || word.starts_with("mwt_")));
    let before = secrets.0.len();
    shown.for_each(|credential| secrets.keep_credential("what the page of a link shows", credential));
    assert!(secrets.0.len() > before, "something is shown");
}

fn keep_cookies(browser: &Browser, secrets: &mut Secrets) {
    for pair in browser.cookie_line().split("; ") {
        if let Some((_, cookie)) = pair.split_once('=').filter(|(_, text)| text.len() > CHANCE_LEN) {
            secrets.keep_credential("a cookie", cookie);
        }
    }
}

/// What people do by mistake: a token as a path, a query, a name, a key; a key as a token.
async fn puts_secrets_where_they_do_not_belong(owner: &Person, caller: &Caller) {
    let (token, key) = (&caller.token, &owner.key);
    let (as_token, as_key) = (format!("Bearer {token}"), format!("Bearer {key}"));
    let paths = [
        format!("/api/v1/workspaces/engineering/tokens/{token}"),
        format!("/api/v1/workspaces/engineering/tokens/name:{token}"),
        format!("/api/v1/workspaces/{token}"),
        format!("/api/v1/workspaces?cursor={token}"),
        format!("/ws/{token}"),
        format!("/ws/engineering?token={token}"),
        format!("/nowhere/{key}?key={key}"),
    ];
    for path in &paths {
        for bearer in [&as_token, &as_key] {
            ask(owner.address, "GET", path, &[("Authorization", bearer)], b"").await;
            ask(owner.address, "GET", path, &[("X-API-Key", &bearer["Bearer ".len()..])], b"").await;
        }
    }
    let body = json!({ "name": token, "token": key }).to_string();
    let headers = [("Authorization", as_key.as_str()), ("Content-Type", "application/json")];
    ask(owner.address, "POST", "/api/v1/workspaces/engineering/tokens", &headers, body.as_bytes()).await;
}

async fn backup(world: &World) -> PathBuf {
    let file = world.place.folder().join("copy.db");
    let done = runs_gateway(&world.place, &["backup", file.to_str().unwrap()]).await;
    assert!(done.status.success(), "{done:?}");
    file
}
