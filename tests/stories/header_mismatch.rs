//! Modern requests whose headers do not say what their bodies say.

use aerostack_tests::client::{META_CAPABILITIES, META_VERSION};
use aerostack_tests::scene::Scene;
use aerostack_tests::story::short_story;
use aerostack_tests::upstream::Setup;
use serde_json::json;

use super::malformed::{assert_serves, told};

#[tokio::test]
async fn headers_that_do_not_say_what_the_body_says_are_refused_in_the_modern_era() {
    short_story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let meta = json!({ META_VERSION: "2026-07-28", META_CAPABILITIES: {} });
        let call = json!({ "name": "desk__echo", "arguments": { "text": "hi" }, "_meta": meta });
        let right = [
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", "tools/call"),
            ("Mcp-Name", "desk__echo"),
        ];
        let send = async |headers: &[(&str, &str)], params: &serde_json::Value| {
            let mut caller = scene.alice.clone();
            for (name, value) in headers {
                caller = caller.with(name, value);
            }
            told(&caller.asks("tools/call", params.clone()).await)
        };
        let mismatch = (400, -32020, "1".to_owned());
        for wrong in 0..right.len() {
            let mut headers = right.to_vec();
            headers[wrong].1 = "TOOLS/CALL";
            assert_eq!(send(&headers, &call).await, mismatch, "{headers:?}");
            headers.remove(wrong);
            assert_eq!(send(&headers, &call).await, mismatch, "{headers:?}");
            let twice = [right.as_slice(), &right[wrong..=wrong]].concat();
            assert_eq!(send(&twice, &call).await, mismatch, "{twice:?}");
        }
        for name in ["=?base64?ZGVza19fZWNobw?=", "=?base64?%%%?=", "=?base64?ZGVza19fYWRk?="] {
            let headers = [right[0], right[1], ("Mcp-Name", name)];
            assert_eq!(send(&headers, &call).await, mismatch, "{name}");
        }
        let encoded = [right[0], right[1], ("Mcp-Name", "=?base64?ZGVza19fZWNobw==?=")];
        assert_eq!(send(&encoded, &call).await.0, 200);
        let unknown =
            json!({ "name": "desk__echo", "_meta": { META_VERSION: "v999.0.0", META_CAPABILITIES: {} } });
        assert_eq!(send(&right, &unknown).await, mismatch);
        let headers = [("MCP-Protocol-Version", "v999.0.0"), right[1], right[2]];
        assert_eq!(send(&headers, &unknown).await, (400, -32022, "1".to_owned()));
        let incomplete = json!({ "name": "desk__echo", "_meta": { META_VERSION: "2026-07-28" } });
        assert_eq!(send(&right, &incomplete).await, (400, -32602, "1".to_owned()));
        assert_eq!(send(&right, &json!({ "name": "desk__echo" })).await, (400, -32602, "1".to_owned()));
        assert_serves(&scene).await;
    })
    .await;
}
