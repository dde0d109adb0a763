//! The walk over everything: what is joined, what is looked at again, what is not known.

use super::{
    super::scan::{self, LiveLock, LockPlace, ScanItem, ScanScope},
    *,
};

async fn walked(script: &ScriptedServer, extent: ScanScope) -> Vec<ScanItem> {
    let (aws, address) = (script.aws(), address());
    let mut seen = vec![];
    S3Store::new(&aws, &address)
        .walk(extent, 4, |one| seen.push(one))
        .await;
    seen
}

fn lines(seen: &[ScanItem]) -> String {
    let half = |half: &LockPlace| match half {
        LockPlace::Unknown => "unknown".to_owned(),
        LockPlace::Free => "free".to_owned(),
        LockPlace::Held(held) => held
            .info
            .as_ref()
            .map_or_else(ToString::to_string, |info| info.id.clone()),
    };
    let line = |seen: &ScanItem| match seen {
        ScanItem::State(state) => {
            let head = state
                .head
                .as_ref()
                .map(|head| head.encryption.algorithm.clone().unwrap_or_default());
            format!("{} {:?} {:?}\n", state.located.path, head, state.digest)
        }
        ScanItem::Lock(lock) => format!(
            "lock on {}: item {}, file {}\n",
            lock.located.path,
            half(&lock.item),
            half(&lock.file)
        ),
        ScanItem::Orphan { located, unsure } => {
            format!("orphan {} {}\n", located.path, unsure.is_some())
        }
        ScanItem::Elsewhere { lock_id, held } => {
            format!("elsewhere {lock_id} {}\n", held.id(lock_id))
        }
        ScanItem::NoTable(error) => format!("no table: {error}\n"),
        ScanItem::NoListing(error) => format!("no listing: {error}\n"),
    };
    seen.iter().map(line).collect()
}

#[tokio::test]
async fn both_kinds_of_lock_are_joined() {
    let items = json!({"Items": [
        lock_item("states/a.tfstate", INFO),
        lock_item("states/new.tfstate", INFO),
        lock_item("other/a.tfstate", INFO),
        digest_item("states/a.tfstate-md5", "d"),
        digest_item("states/gone.tfstate-md5", "d"),
    ]});
    let script = ScriptedServer::new()
        .always("Scan", data(items))
        .always(
            LIST,
            listing(
                &[
                    "a.tfstate",
                    "a.tfstate.tflock",
                    "b.tfstate",
                    "b.tfstate.tflock",
                    "c.tfstate",
                    "folder/",
                ],
                None,
            ),
        )
        .about("HEAD", "/gone.tfstate", error(404, "NotFound"))
        .about("HEAD", "/c.tfstate", error(403, ""))
        .always("HEAD", head("\"e\""))
        .about(GET, "/a.tfstate.tflock", text(INFO))
        .about(GET, "/b.tfstate.tflock", text("nonsense"))
        .about(GET, "/new.tfstate.tflock", error(404, "NoSuchKey"))
        .about(
            "GetItem",
            "\"states/new.tfstate\"",
            data(json!({"Item": lock_item("states/new.tfstate", INFO)})),
        )
        .about(
            "GetItem",
            "\"states/gone.tfstate-md5\"",
            data(json!({"Item": digest_item("states/gone.tfstate-md5", "d")})),
        )
        .always("GetItem", data(json!({})));
    assert_snapshot!(lines(&walked(&script, ScanScope::All).await), @r#"
    a.tfstate Ok("AES256") Digest("d")
    b.tfstate Ok("AES256") Absent
    c.tfstate Err("s3:HeadObject on s3://states/c.tfstate: HTTP 403 (needs s3:GetObject) [request REQUEST]") Absent
    orphan gone.tfstate false
    lock on a.tfstate: item one, file one
    lock on b.tfstate: item free, file it is not JSON (line 1, column 2)
    lock on new.tfstate: item one, file free
    elsewhere other/a.tfstate one
    "#);
    let to_s3 = script
        .operations()
        .iter()
        .filter(|name| name.starts_with("GET ") || *name == "HEAD")
        .count();
    assert_eq!(
        script
            .sent()
            .matches("x-amz-expected-bucket-owner: 111122223333")
            .count(),
        to_s3
    );

    let before = script.count("HEAD");
    assert_snapshot!(lines(&walked(&script, ScanScope::Locks).await), @"
    lock on a.tfstate: item one, file one
    lock on b.tfstate: item free, file it is not JSON (line 1, column 2)
    lock on new.tfstate: item one, file free
    elsewhere other/a.tfstate one
    ");
    assert_eq!(script.count("HEAD"), before, "no state was looked at");
}

/// A run takes and releases locks, and writes a state and its digest, while the walk goes on.
#[tokio::test]
async fn what_changed_meanwhile_is_no_contradiction() {
    let items = json!({"Items": [
        lock_item("states/released.tfstate", INFO),
        digest_item("states/deleted.tfstate-md5", "d"),
        digest_item("states/written.tfstate-md5", "d41d8cd98f00b204e9800998ecf8427e"),
    ]});
    let now = "\"900150983cd24fb0d6963f7d28e17f72\"";
    let script = ScriptedServer::new()
        .always("Scan", data(items))
        .always(
            LIST,
            listing(
                &[
                    "made.tfstate",
                    "written.tfstate",
                    "released.tfstate.tflock",
                    "vanished.tfstate",
                ],
                None,
            ),
        )
        .about("HEAD", "/vanished.tfstate", error(404, "NotFound"))
        .about("HEAD", "/deleted.tfstate", error(404, "NotFound"))
        .always("HEAD", head(now))
        .about(
            "GetItem",
            "made.tfstate-md5",
            data(json!({"Item": digest_item("states/made.tfstate-md5", now.trim_matches('"'))})),
        )
        .about(
            "GetItem",
            "written.tfstate-md5",
            data(json!({"Item": digest_item("states/written.tfstate-md5", now.trim_matches('"'))})),
        )
        .always("GetItem", data(json!({})))
        .always(GET, error(404, "NoSuchKey"));
    assert_snapshot!(lines(&walked(&script, ScanScope::All).await), @r#"
    made.tfstate Ok("AES256") Digest("900150983cd24fb0d6963f7d28e17f72")
    written.tfstate Ok("AES256") Digest("900150983cd24fb0d6963f7d28e17f72")
    "#);
}

#[tokio::test]
async fn what_could_not_be_looked_at_is_said() {
    let script = ScriptedServer::new()
        .always("Scan", error(400, "AccessDeniedException"))
        .on(
            LIST,
            listing(&["a.tfstate", "a.tfstate.tflock"], Some("more")),
        )
        .always(
            &format!("{LIST}&continuation-token=more"),
            error(403, "AccessDenied"),
        )
        .always("HEAD", head("\"e\""))
        .always(GET, error(403, "AccessDenied"));
    assert_snapshot!(lines(&walked(&script, ScanScope::All).await), @r#"
    no table: dynamodb:Scan on locks: AccessDeniedException: because (needs dynamodb:Scan) [request REQUEST]
    a.tfstate Ok("AES256") Unknown
    no listing: s3:ListObjectsV2 on states: AccessDenied: because (needs s3:ListBucket) [request REQUEST]
    lock on a.tfstate: item unknown, file s3:GetObject on s3://states/a.tfstate.tflock: AccessDenied: because (needs s3:GetObject) [request REQUEST]
    "#);
    // The part that was listed says nothing of the rest: no digest is without a state, no lock is
    // half.
    let items = json!({"Items": [lock_item("states/z.tfstate", INFO), digest_item("states/z.tfstate-md5", "d")]});
    let script = ScriptedServer::new()
        .always("Scan", data(items))
        .always(LIST, error(403, "AccessDenied"));
    assert_snapshot!(lines(&walked(&script, ScanScope::All).await), @"
    no listing: s3:ListObjectsV2 on states: AccessDenied: because (needs s3:ListBucket) [request REQUEST]
    lock on z.tfstate: item one, file unknown
    ");
}

#[test]
fn a_lock_knows_what_is_wrong_with_it() {
    let held = |id: &str| {
        let info = crate::state::lock::LockInfo {
            id: id.to_owned(),
            ..Default::default()
        };
        LockPlace::held(scan::HeldLock {
            raw: info.to_go_json(),
            info: Ok(info),
            etag: None,
            modified: None,
        })
    };
    let lock = |item: LockPlace, file: LockPlace| LiveLock {
        located: address().layout.locate("a"),
        item,
        file,
    };
    let both = lock(held("1"), held("1"));
    assert!(!both.is_in_one_place() && !both.is_of_two());
    assert!(lock(held("1"), held("2")).is_of_two());
    assert!(
        lock(held("1"), LockPlace::Free).is_in_one_place()
            && lock(LockPlace::Free, held("1")).is_in_one_place()
    );
    assert!(
        !lock(held("1"), LockPlace::Unknown).is_in_one_place()
            && !lock(LockPlace::Unknown, held("1")).is_in_one_place()
    );
    assert_eq!(lock(LockPlace::Free, held("1")).info().unwrap().id, "1");
}
