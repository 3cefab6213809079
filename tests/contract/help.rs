//! Every command explains itself with an example.

use aerostack_cli::World as Surroundings;
use aerostack_core::time::Timestamp;
use std::ffi::OsString;

async fn help(path: &[String]) -> (u8, String) {
    let folder = tempfile::tempdir().unwrap();
    let (mut surroundings, stdout, _) =
        Surroundings::captured(folder.path().to_owned(), Timestamp::from_millis(0));
    let line = std::iter::once("aerostack").chain(path.iter().map(String::as_str)).chain(["--help"]);
    let code = aerostack_cli::run(line.map(OsString::from), &mut surroundings).await;
    (code, stdout.take())
}

/// The commands a help text lists.
fn below(text: &str) -> Vec<String> {
    let listed =
        text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let named = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let words = named.filter_map(|line| line.split_whitespace().next());
    words.filter(|word| *word != "help").map(str::to_owned).collect()
}

#[tokio::test]
async fn every_command_has_a_help_text_with_examples() {
    let mut open = vec![Vec::new()];
    let mut leaves = 0;
    while let Some(path) = open.pop() {
        let (code, text) = help(&path).await;
        assert_eq!(code, 0, "{path:?}");
        let commands = below(&text);
        if commands.is_empty() {
            leaves += 1;
            assert!(text.contains("\nExamples:\n  aerostack "), "{path:?}: {text}");
        }
        open.extend(commands.into_iter().map(|command| [path.as_slice(), &[command]].concat()));
    }
    assert!(leaves > 25, "{leaves} commands were found");
}
