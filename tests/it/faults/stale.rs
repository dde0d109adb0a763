//! AWS is eventually consistent: what was made is not seen for a while, and is not made twice for that.

use std::time::{Duration, Instant};

use super::{LINE, world};
use crate::support::proxy::{Proxy, Stale};

const UNSEEN: Duration = Duration::from_secs(3);

#[tokio::test]
async fn what_is_not_seen_yet_is_waited_for() {
    let (emulator, mut place) = world().await;
    let stale = Stale::lasting(UNSEEN);
    let proxy = Proxy::start(Some(&emulator), move |call, _| stale.reply(call));
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let begun = Instant::now();
    let said = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert!(begun.elapsed() > UNSEEN, "it says that all is well before all can be seen");
    let creations = proxy.take().into_iter().filter(|call| call == "kms:CreateKey").count();
    assert_eq!(creations, 1);
    place.set("AWS_ENDPOINT_URL", emulator.endpoint());
    let again = place.bootstrap(&format!("{LINE} -y"));
    assert!(again.err.contains("nothing to do"), "{}", again.all());
}
