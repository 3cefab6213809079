//! `workspace alert` as a person meets it.

use aerostack_tests::cli::Terminal;
use aerostack_tests::function::{Conduct, Function};
use aerostack_tests::golden::assert_golden;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::story;
use aerostack_tests::upstream::Setup;

#[tokio::test]
async fn an_alert_is_set_tried_shown_and_deleted() {
    story(async |world| {
        let scene = Scene::set_in(world.gateway_out_of_time().await, Setup::legacy()).await;
        let receiver = Function::starts().await;
        receiver.behaves(Conduct::Status(204));
        let mut terminal = Terminal::of(&scene.owner);
        let url = receiver.url();
        let mut transcript = String::new();
        for line in [
            &[
                "set",
                "engineering",
                "--url",
                &url,
                "--error-rate",
                "5%",
                "--calls",
                "10000",
                "--within",
                "1h",
            ][..],
            &["show", "engineering"],
            &["test", "engineering"],
            &["set", "engineering", "--error-rate", "0.5", "--min-calls", "50"],
            &["set", "engineering", "--calls", "5", "--output", "token"],
            &["set", "engineering"],
            &["delete", "engineering"],
            &["show", "engineering"],
        ] {
            let arguments = [&["workspace", "alert"], line].concat();
            let ran = terminal.runs(&arguments).await;
            let words = line.iter().map(|word| if *word == url { "$URL" } else { word });
            transcript
                .push_str(&format!("$ aerostack workspace alert {}\n", words.collect::<Vec<_>>().join(" ")));
            transcript.push_str(&masked(&ran.transcript()));
        }
        assert_golden("alert", &transcript);
        receiver.behaves(Conduct::Status(500));
        terminal.does(&["workspace", "alert", "set", "--url", &url, "--calls", "5"]).await;
        let refused = terminal.runs(&["workspace", "alert", "test"]).await;
        assert_eq!(
            (refused.code, refused.stderr.as_str()),
            (1, "error: the message was not taken: HTTP 500\n")
        );
        let set = ["workspace", "alert", "set", "--calls", "5", "--new-secret", "--output", "token"];
        let secret = terminal.does(&set).await;
        assert!(secret.starts_with("whsec_") && secret.lines().count() == 1);
        let audit = terminal.does(&["workspace", "audit", "--action", "alert_set", "--limit", "1"]).await;
        assert!(audit.contains("alert_set: 127.0.0.1"), "{audit}");
        assert!(!audit.contains("hidden") && !audit.contains(secret.trim()), "{audit}");
    })
    .await;
}

fn masked(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once("whsec_") {
        Some((before, _)) => format!("{before}whsec_<secret>\n"),
        None => format!("{line}\n"),
    });
    lines.collect()
}
