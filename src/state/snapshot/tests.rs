//! State files of all kinds, whole and broken; nothing of a value in what comes out.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

const STATE: &str = r#"{
  "version": 4, "terraform_version": "1.11.4", "serial": 17, "lineage": "1b5f5b2e-aaaa-bbbb-cccc-000000000000",
  "outputs": {"url": {"value": "s3cret", "type": "string"}, "password": {"value": "s3cret", "type": "string", "sensitive": true}},
  "resources": [
    {"mode": "managed", "type": "aws_instance", "name": "web", "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
     "instances": [{"index_key": 0, "schema_version": 1, "attributes": {"password": "s3cret"}}, {"index_key": "\u001b[2J\u202e", "attributes": {"deep": [[{"a": "s3cret"}]]}}]},
    {"module": "module.network[\"a\"]", "mode": "managed", "type": "aws_subnet", "name": "all",
     "instances": [{"index_key": "x${y}\"\n", "attributes": null}, {"deposed": "0badc0de", "attributes_flat": {}}]},
    {"mode": "data", "type": "aws_region", "name": "here", "instances": [{"attributes": {"s3cret": "s3cret"}}]},
    {"mode": "managed", "type": "terraform_data", "name": "none", "instances": []}
  ],
  "check_results": [{"s3cret": "s3cret"}]
}"#;

fn parse(json: &str) -> Result<StateSnapshot, SnapshotError> {
    let parsed = StateSnapshot::parse(json.as_bytes(), SnapshotDetail::Addresses);
    assert_eq!(
        StateSnapshot::read(json.as_bytes(), MAX_BYTES, SnapshotDetail::Addresses),
        parsed,
        "a stream is read as bytes are"
    );
    assert!(!format!("{parsed:?}").contains("s3cret"));
    if let Err(error) = &parsed {
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
    parsed
}

#[test]
fn counts_and_addresses_and_no_value() {
    let state = parse(STATE).unwrap();
    assert_eq!(
        (state.format, state.serial, state.writer),
        (Some(4), Some(17), StateWriter::Terraform)
    );
    assert_eq!(state.terraform_version.as_deref(), Some("1.11.4"));
    assert_eq!(
        state.lineage.as_deref(),
        Some("1b5f5b2e-aaaa-bbbb-cccc-000000000000")
    );
    assert_eq!(state.is_empty(), Some(false));
    let StateFile::Known(counts) = state.contents else {
        panic!("it can be read")
    };
    assert_eq!((counts.managed, counts.data, counts.outputs), (4, 1, 2));
    let addresses: Vec<String> = counts
        .addresses
        .iter()
        .map(ResourceAddress::to_string)
        .collect();
    assert_snapshot!(addresses.join("\n"), @r#"
    aws_instance.web[0]
    aws_instance.web["\u001b[2J\u202e"]
    module.network["a"].aws_subnet.all["x$${y}\"\n"]
    module.network["a"].aws_subnet.all (deposed)
    data.aws_region.here
    "#);
    let counted = StateSnapshot::parse(STATE.as_bytes(), SnapshotDetail::Counts).unwrap();
    assert_eq!(
        counted.contents,
        StateFile::Known(ResourceCounts {
            addresses: vec![],
            ..counts
        })
    );
}

#[test]
fn initialized_and_empty() {
    let state =
        parse(r#"{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"a","outputs":{},"resources":[],"check_results":null}"#)
            .unwrap();
    assert_eq!(state.is_empty(), Some(true));
    let data = parse(r#"{"version":4,"resources":[{"mode":"data","type":"a","name":"b","instances":[{}]}],"outputs":null}"#).unwrap();
    assert_eq!(
        (data.is_empty(), data.serial, data.lineage),
        (Some(true), None, None),
        "data sources exist without it"
    );
    assert_eq!(parse("").unwrap_err().to_string(), "it is empty");
}

#[test]
fn encrypted_by_opentofu() {
    let envelope = r#"{"serial":3,"lineage":"b","meta":{"key_provider.pbkdf2.a":"s3cret"},"encrypted_data":"s3cret","encryption_version":"v0"}"#;
    let state = parse(envelope).unwrap();
    assert_eq!(state.contents, StateFile::Encrypted);
    assert_eq!(
        (state.serial, state.lineage.as_deref(), state.writer),
        (Some(3), Some("b"), StateWriter::OpenTofu)
    );
    assert_eq!(state.is_empty(), None, "unknown");
    // Before OpenTofu put them into the envelope.
    let state =
        parse(r#"{"meta":{},"encrypted_data":"s3cret","encryption_version":"v0"}"#).unwrap();
    assert_eq!(
        (state.format, state.serial, state.contents),
        (None, None, StateFile::Encrypted)
    );
}

#[test]
fn other_formats_are_never_taken_for_empty() {
    let old = parse(r#"{"version":3,"terraform_version":"0.11.14","serial":2,"lineage":"c","modules":[{"path":["root"],"resources":{}}]}"#)
        .unwrap();
    assert_eq!(
        (old.is_empty(), old.writer, old.serial),
        (None, StateWriter::Terraform, Some(2))
    );
    assert_eq!(
        parse(r#"{"version":5,"resources":"s3cret"}"#)
            .unwrap()
            .is_empty(),
        None
    );
}

#[test]
fn who_wrote_it_as_far_as_it_can_be_told() {
    let by = |version: &str, provider: &str| {
        let resource = format!(
            r#"{{"mode":"data","type":"a","name":"b","instances":[],"provider":"provider[\"{provider}/hashicorp/aws\"]"}}"#
        );
        parse(&format!(
            r#"{{"version":4,"terraform_version":"{version}","resources":[{resource}]}}"#
        ))
        .unwrap()
        .writer
    };
    assert_eq!(
        by("1.11.4", "registry.terraform.io"),
        StateWriter::Terraform
    );
    assert_eq!(by("1.11.4", "registry.opentofu.org"), StateWriter::OpenTofu);
    assert_eq!(by("1.11.4", "terraform.io/builtin"), StateWriter::Unknown);
    assert_eq!(
        by("1.5.7", "terraform.io/builtin"),
        StateWriter::Terraform,
        "before there was another"
    );
    assert_eq!(
        by("1.6.0-alpha1", "terraform.io/builtin"),
        StateWriter::Unknown
    );
    assert_eq!(by("s", "terraform.io/builtin"), StateWriter::Unknown);
}

#[test]
fn broken_and_foreign_files_say_why_and_nothing_else() {
    let resources = |json: &str| format!(r#"{{"version":4,"resources":{json}}}"#);
    let mut said = vec![];
    for json in [
        "{\"version\":4,\"lineage\":\"s3cret",
        "s3cret",
        "{\"version\":4} s3cret",
        "\"s3cret\"",
        "[\"s3cret\"]",
        "null",
        "17",
        r#"{"hello":"s3cret"}"#,
        r#"{"version":"s3cret"}"#,
        r#"{"version":-4}"#,
        r#"{"version":4,"serial":"s3cret"}"#,
        r#"{"version":4,"serial":1.5}"#,
        r#"{"version":4,"serial":99999999999999999999}"#,
        r#"{"version":4,"lineage":{"s3cret":1}}"#,
        r#"{"version":4,"terraform_version":["s3cret"]}"#,
        r#"{"version":4,"outputs":"s3cret"}"#,
        &resources("{}"),
        &resources("[17]"),
        &resources(r#"[{"mode":"s3cret","type":"a","name":"b","instances":[]}]"#),
        &resources(r#"[{"mode":"managed","type":"a","name":"b","instances":{}}]"#),
        &resources(r#"[{"mode":"managed","type":"a","name":"b","module":1,"instances":[]}]"#),
        &resources(r#"[{"mode":"managed","type":"a","name":"b","instances":["s3cret"]}]"#),
        &resources(
            r#"[{"mode":"managed","type":"a","name":"b","instances":[{"index_key":{"s3cret":1}}]}]"#,
        ),
    ] {
        said.push(format!("{json}\n    {}", parse(json).unwrap_err()));
    }
    assert_snapshot!(said.join("\n"), @r#"
    {"version":4,"lineage":"s3cret
        truncated JSON
    s3cret
        it is not JSON (line 1, column 1)
    {"version":4} s3cret
        it is not JSON (line 1, column 15)
    "s3cret"
        it is JSON, but not a state file: it is not an object
    ["s3cret"]
        it is JSON, but not a state file: it is not an object
    null
        it is JSON, but not a state file: it is not an object
    17
        it is JSON, but not a state file: it is not an object
    {"hello":"s3cret"}
        it is JSON, but not a state file: it has no `version`
    {"version":"s3cret"}
        it is JSON, but not a state file: `version` is not an integer
    {"version":-4}
        it is JSON, but not a state file: `version` is not an integer
    {"version":4,"serial":"s3cret"}
        it is JSON, but not a state file: `serial` is not an integer
    {"version":4,"serial":1.5}
        it is JSON, but not a state file: `serial` is not an integer
    {"version":4,"serial":99999999999999999999}
        it is JSON, but not a state file: `serial` is not an integer
    {"version":4,"lineage":{"s3cret":1}}
        it is JSON, but not a state file: `lineage` is not a string
    {"version":4,"terraform_version":["s3cret"]}
        it is JSON, but not a state file: `terraform_version` is not a string
    {"version":4,"outputs":"s3cret"}
        it is JSON, but not a state file: `outputs` is not an object
    {"version":4,"resources":{}}
        it is JSON, but not a state file: `resources` is not a list
    {"version":4,"resources":[17]}
        it is JSON, but not a state file: an item of `resources` is not a resource
    {"version":4,"resources":[{"mode":"s3cret","type":"a","name":"b","instances":[]}]}
        it is JSON, but not a state file: an item of `resources` is not a resource
    {"version":4,"resources":[{"mode":"managed","type":"a","name":"b","instances":{}}]}
        it is JSON, but not a state file: an item of `resources` is not a resource
    {"version":4,"resources":[{"mode":"managed","type":"a","name":"b","module":1,"instances":[]}]}
        it is JSON, but not a state file: an item of `resources` is not a resource
    {"version":4,"resources":[{"mode":"managed","type":"a","name":"b","instances":["s3cret"]}]}
        it is JSON, but not a state file: an item of `resources` is not a resource
    {"version":4,"resources":[{"mode":"managed","type":"a","name":"b","instances":[{"index_key":{"s3cret":1}}]}]}
        it is JSON, but not a state file: an item of `resources` is not a resource
    "#);
    assert_eq!(
        parse("\u{feff}{\"version\":4}"),
        Err(SnapshotError::NotJson { line: 1, column: 1 })
    );
    let long = format!(r#"{{"version":4,"lineage":"{}"}}"#, "x".repeat(70_000));
    assert_eq!(
        parse(&long).unwrap_err().to_string(),
        "it is JSON, but not a state file: `lineage` is not a string"
    );
}

#[test]
fn the_last_of_two_is_taken() {
    let one = r#"{"mode":"managed","type":"a","name":"b","instances":[{}]}"#;
    let twice = parse(&format!(
        r#"{{"version":3,"version":4,"resources":[{one},{one}],"resources":[{one}]}}"#
    ))
    .unwrap();
    assert!(
        matches!(
            twice.contents,
            StateFile::Known(ResourceCounts { managed: 1, .. })
        ),
        "{twice:?}"
    );
}

/// As Terraform reads it: a state that a program with names of its own wrote is not empty.
#[test]
fn names_of_fields_are_read_in_any_case() {
    for (from, to) in [
        ("\"resources\"", "\"Resources\""),
        ("\"resources\"", "\"re\u{17f}ources\""),
        ("\"instances\"", "\"INSTANCES\""),
        ("\"mode\"", "\"Mode\""),
        ("\"version\"", "\"Version\""),
        ("\"index_key\"", "\"index_\u{212a}ey\""),
        ("\"deposed\"", "\"Deposed\""),
        ("\"provider\"", "\"Provider\""),
        ("\"outputs\"", "\"Outputs\""),
        ("\"serial\"", "\"Serial\""),
        ("\"lineage\"", "\"Lineage\""),
        ("\"terraform_version\"", "\"Terraform_Version\""),
    ] {
        assert_eq!(parse(&STATE.replace(from, to)), parse(STATE), "{to}");
    }
    let envelope = r#"{"meta":{},"Encrypted_Data":"s3cret","encryption_version":"v0"}"#;
    assert_eq!(parse(envelope).unwrap().contents, StateFile::Encrypted);
}

/// A missing field is empty, as for Terraform.
#[test]
fn a_resource_without_instances_or_a_name_is_one() {
    let counted =
        |resource: &str| match parse(&format!(r#"{{"version":4,"resources":[{resource}]}}"#))
            .unwrap()
            .contents
        {
            StateFile::Known(counts) => (
                counts.managed,
                counts
                    .addresses
                    .iter()
                    .map(ResourceAddress::to_string)
                    .collect::<Vec<_>>(),
            ),
            other => panic!("{other:?}"),
        };
    assert_eq!(
        counted(r#"{"mode":"managed","type":"a","name":"b","instances":null}"#),
        (0, vec![])
    );
    assert_eq!(
        counted(r#"{"mode":"managed","type":"a","name":"b"}"#),
        (0, vec![])
    );
    assert_eq!(
        counted(r#"{"mode":"managed","type":"a","instances":[{"index_key":0.0}]}"#),
        (1, vec!["a.[0]".to_owned()])
    );
    assert!(parse(r#"{"version":4,"resources":[{"mode":"managed","type":"a","name":"b","instances":[{"index_key":-1.5}]}]}"#).is_err());
}

#[test]
fn a_deep_one_does_not_exhaust_the_stack() {
    let deep = format!(
        r#"{{"version":4,"outputs":{{"a":{}{}}}}}"#,
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    assert_eq!(parse(&deep).unwrap().is_empty(), Some(true));
    let wrong = format!(
        r#"{{"version":{}{}}}"#,
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    assert_eq!(
        parse(&wrong).unwrap_err(),
        SnapshotError::NotAState("`version` is not an integer")
    );
}

/// A state of a gigabyte that is made while it is read.
struct Endless {
    left: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const START: &[u8] = b"{\"version\":4,\"outputs\":{\"a\":\"";
        let start = if self.left == usize::MAX { START } else { &[] };
        if !start.is_empty() {
            buffer[..start.len()].copy_from_slice(start);
            self.left = 1 << 20;
            return Ok(start.len());
        }
        let size = buffer.len().min(self.left);
        buffer[..size].fill(b'x');
        self.left -= size;
        Ok(size)
    }
}

#[test]
fn a_stream_ends_at_the_limit() {
    let endless = || Endless { left: usize::MAX };
    assert_eq!(
        StateSnapshot::read(endless(), 500_000, SnapshotDetail::Counts),
        Err(SnapshotError::TooLong(500_000))
    );
    assert_eq!(
        StateSnapshot::read(endless(), 5_000_000, SnapshotDetail::Counts),
        Err(SnapshotError::CutOff)
    );
    let exact = STATE.len() as u64;
    assert!(StateSnapshot::read(STATE.as_bytes(), exact, SnapshotDetail::Counts).is_ok());
    assert_eq!(
        StateSnapshot::read(STATE.as_bytes(), exact - 1, SnapshotDetail::Counts),
        Err(SnapshotError::TooLong(exact - 1))
    );
    assert_eq!(
        StateSnapshot::read(&b""[..], 0, SnapshotDetail::Counts),
        Err(SnapshotError::Empty)
    );
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    assert_eq!(
        StateSnapshot::read(Broken, 10, SnapshotDetail::Counts),
        Err(SnapshotError::Unreadable(io::ErrorKind::ConnectionReset))
    );
}

proptest! {
    #[test]
    fn no_prefix_of_a_state_is_one(end in 0..STATE.len()) {
        if STATE.is_char_boundary(end) {
            prop_assert!(parse(&STATE[..end]).is_err());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(at in 0..STATE.len(), byte in any::<u8>(), noise in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = StateSnapshot::parse(&noise, SnapshotDetail::Addresses);
        let mut changed = STATE.as_bytes().to_vec();
        changed[at] = byte;
        let _ = StateSnapshot::parse(&changed, SnapshotDetail::Addresses);
    }
}
