//! Whatever there is and however it comes: each goes once, and none too early.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::backend::aws::store::objects::ObjectChange;

fn version(key: usize, id: usize, latest: bool) -> ObjectVersion {
    ObjectVersion {
        key: format!("{key:05}"),
        id: id.to_string(),
        latest,
        modified: None,
        what: ObjectChange::DeleteMarker,
    }
}

/// Names with so many versions each, in the order of a listing.
fn listing(counts: &[usize]) -> Vec<ObjectVersion> {
    let of_name =
        |(key, count): (usize, &usize)| (0..*count).map(move |id| version(key, id, id == 0));
    counts.iter().enumerate().flat_map(of_name).collect()
}

/// Pages come and batches end in an order that `chance` decides; the batches are given back.
fn drive(all: &[ObjectVersion], page: usize, mut chance: impl FnMut(usize) -> usize) -> Vec<usize> {
    let mut queue = ByteBudget::default();
    let mut pages = all.chunks(page.max(1)).peekable();
    let mut ended = false;
    let mut running: Vec<(ByteTicket, Vec<ObjectVersion>)> = vec![];
    let mut gone: BTreeSet<(String, String)> = BTreeSet::new();
    let mut sizes = vec![];
    let mut marker: Option<(String, String)> = None;
    while !(ended && running.is_empty() && queue.len() == 0) {
        if let Some((ticket, batch)) = queue.batch() {
            assert!(batch.len() <= BATCH);
            sizes.push(batch.len());
            for version in &batch {
                let name = (version.key.clone(), version.id.clone());
                assert_ne!(
                    Some(&name),
                    marker.as_ref(),
                    "it is the marker of the next page"
                );
                let from = all.partition_point(|other| other.key < version.key);
                let same = all[from..]
                    .iter()
                    .take_while(|other| version.latest && other.key == version.key);
                for other in same.filter(|other| other.id != version.id) {
                    let before = gone.contains(&(other.key.clone(), other.id.clone()));
                    assert!(
                        before || batch.contains(other),
                        "{} was still to go",
                        other.key
                    );
                }
            }
            running.push((ticket, batch));
            continue;
        }
        if !ended && (running.is_empty() || chance(2) == 0) {
            let page = pages.next().unwrap_or_default().to_vec();
            marker = pages
                .peek()
                .and_then(|_| page.last())
                .map(|last| (last.key.clone(), last.id.clone()));
            ended = marker.is_none();
            queue.page(page, marker.as_ref().map(|(key, id)| (&**key, Some(&**id))));
        } else if !running.is_empty() {
            let (ticket, batch) = running.swap_remove(chance(running.len()));
            queue.done(ticket);
            for version in batch {
                assert!(gone.insert((version.key, version.id)), "each goes once");
            }
        } else {
            panic!("{} are stuck", queue.len());
        }
    }
    assert_eq!(gone.len(), all.len());
    sizes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn each_goes_once_and_none_too_early(counts in prop::collection::vec(1..900_usize, 0..12), page in 1..1001_usize, seed: u64) {
        let all = listing(&counts);
        let mut random = fastrand::Rng::with_seed(seed);
        let sizes = drive(&all, page, |most| random.usize(..most));
        // One more than there must be, where what waits does not fit in with the last.
        prop_assert!(sizes.len() <= all.len().div_ceil(BATCH) + 1, "{sizes:?}");
    }

    #[test]
    fn also_of_many_names(counts in prop::collection::vec(1..4_usize, 0..2000), seed: u64) {
        let all = listing(&counts);
        let mut random = fastrand::Rng::with_seed(seed);
        let sizes = drive(&all, BATCH, |most| random.usize(..most));
        prop_assert!(sizes.len() <= all.len().div_ceil(BATCH) + 1, "{sizes:?}");
    }
}

/// A ready batch does not wait.
#[test]
fn full_batches_go_while_pages_are_to_come() {
    let all = listing(&[2500]);
    let mut queue = ByteBudget::default();
    queue.page(
        all[..1000].to_vec(),
        Some((&all[999].key, Some(&all[999].id))),
    );
    assert!(
        queue.batch().is_none(),
        "the current one and the marker stay"
    );
    queue.page(
        all[1000..2000].to_vec(),
        Some((&all[1999].key, Some(&all[1999].id))),
    );
    assert_eq!(queue.batch().map(|(_, batch)| batch.len()), Some(BATCH));
    assert!(queue.batch().is_none());
    queue.page(all[2000..].to_vec(), None);
    assert_eq!(queue.batch().map(|(_, batch)| batch.len()), Some(BATCH));
}

/// A concurrent delete: two versions of a name were current, at different times.
#[test]
fn two_current_versions_both_go() {
    let mut queue = ByteBudget::default();
    queue.page(
        vec![
            version(1, 1, true),
            version(1, 2, true),
            version(1, 3, false),
        ],
        None,
    );
    let (_, batch) = queue.batch().unwrap();
    let ids: Vec<_> = batch.iter().map(|version| &*version.id).collect();
    assert_eq!(ids, ["2", "3", "1"]);
}
