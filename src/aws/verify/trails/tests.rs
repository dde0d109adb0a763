//! What is said of a trail that names the bucket.

use super::*;

fn recorder() -> Recorder {
    Recorder {
        arn: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/states".to_owned(),
        values: vec!["arn:aws:s3:::b/".to_owned()],
        whole: true,
        logging: true,
        validation: true,
        encrypted: true,
    }
}

/// Ids of the findings, and what is the case.
fn findings(recorder: &Recorder) -> Vec<(&'static str, String)> {
    let fails = verdicts(recorder).into_iter().filter_map(|checked| match checked.verdict {
        Verdict::Fails { what, .. } => Some((checked.check.id, what)),
        Verdict::Holds | Verdict::Unreadable { .. } => None,
    });
    fails.collect()
}

#[test]
fn a_trail_that_records_everything() {
    assert_eq!(findings(&recorder()), []);
}

#[test]
fn a_pattern_where_a_prefix_belongs() {
    let starred = Recorder { values: vec!["arn:aws:s3:::b/*".to_owned()], whole: false, ..recorder() };
    let [(id, what)] = &findings(&starred)[..] else { panic!("one finding") };
    assert_eq!(*id, "trail-selectors");
    assert!(what.starts_with("arn:aws:s3:::b/* is a prefix, not a pattern"), "{what}");
    let part = Recorder { values: vec!["arn:aws:s3:::b/prod/".to_owned()], whole: false, ..recorder() };
    assert_eq!(findings(&part), [("trail-selectors", "arn:aws:s3:::b/prod/ leaves out some reads or writes of states".to_owned())]);
}

#[test]
fn each_other_weakness_is_said() {
    let ids = |recorder: &Recorder| findings(recorder).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!(ids(&Recorder { logging: false, ..recorder() }), ["trail-logging"]);
    assert_eq!(ids(&Recorder { validation: false, ..recorder() }), ["trail-validation"]);
    assert_eq!(ids(&Recorder { encrypted: false, ..recorder() }), ["trail-encryption"]);
}
