//! Servers that ask their client something during a call, which this gateway does not pass on.

use aerostack_tests::scene::story_behind;
use aerostack_tests::upstream::{Answers, Setup, Tool, Upstream};
use serde_json::json;

const KIB: usize = 1_024;

#[tokio::test]
async fn a_question_of_a_server_is_refused_whatever_its_size_and_the_call_goes_on() {
    let streams = Setup::legacy().answers(Answers::Stream);
    let setups = [streams, Setup::old_sse()]
        .map(|setup| setup.tools([Tool::asking("small", 10), Tool::asking("large", 300 * KIB)]));
    story_behind(&setups, async |scene| {
        for (count, tool) in ["desk__small", "desk__large"].into_iter().enumerate() {
            for caller in [&scene.alice, &scene.alice.at("/ws/engineering/sse")] {
                let answer = caller.calls(tool, json!({})).await;
                let text = answer.text();
                let text = text.strip_prefix("event: message\ndata: ").unwrap_or(&text);
                let message: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
                assert_eq!(message["result"]["content"][0]["text"], "asked", "{tool}");
            }
            let refusals = |seen: &Upstream| {
                let answers = seen.requests().into_iter().filter(|request| request.json()["id"] == 99);
                answers.filter(|answer| answer.json()["error"]["code"] == -32601).count()
            };
            let expected = (count + 1) * 2;
            scene.upstream.until("each question is refused", |seen| refusals(seen) == expected).await;
        }
    })
    .await;
}
