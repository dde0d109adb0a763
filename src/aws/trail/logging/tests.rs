//! Whether the trail records.

use serde_json::json;

use super::*;
use crate::aws::testing::{Script, absent_only_by, data, empty, look, retried_on};

fn logging() -> TrailLogging {
    TrailLogging { trail: "acme".to_owned(), on: true }
}

#[tokio::test]
async fn present_absent_and_started() {
    for (answer, on) in [(json!({"IsLogging": true}), true), (json!({"IsLogging": false}), false), (json!({}), false)] {
        let script = Script::new().on("GetTrailStatus", data(answer));
        assert_eq!(look(&script, &logging()).await.unwrap().unwrap().spec, TrailLogging { on, ..logging() });
        assert_eq!(script.sent(), r#"GetTrailStatus {"Name":"acme"}"#);
    }
    absent_only_by(&logging(), "GetTrailStatus", ABSENT, |script| script).await;
    let script = Script::new().on("StartLogging", empty());
    logging().write(&script.aws(), None).await.unwrap();
    assert_eq!(script.sent(), r#"StartLogging {"Name":"acme"}"#);
    retried_on(&logging(), None, "StartLogging", &["TrailNotFoundException"], |script| script.always("StartLogging", empty())).await;
}
