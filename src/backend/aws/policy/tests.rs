//! Policy documents: the same meaning in many forms, and what others wrote is never touched.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn parse(value: &Value) -> PolicyDocument {
    serde_json::from_value(value.clone()).unwrap()
}

fn statement(fields: &Value) -> PolicyDocument {
    let mut value = json!({"Sid": "A", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"});
    for (field, change) in fields.as_object().unwrap() {
        value[field] = change.clone();
    }
    parse(&json!({ "Version": "2012-10-17", "Statement": [value] }))
}

fn same(a: &Value, b: &Value) {
    assert!(statement(a).means(&statement(b)), "{a} means {b}");
    assert!(statement(b).means(&statement(a)), "{b} means {a}");
}

fn different(a: &Value, b: &Value) {
    assert!(!statement(a).means(&statement(b)), "{a} does not mean {b}");
    assert!(!statement(b).means(&statement(a)), "{b} does not mean {a}");
}

#[test]
fn forms_of_one_meaning() {
    same(&json!({"Sid": "A"}), &json!({"Sid": "B"}));
    same(
        &json!({"Action": ["s3:GetObject"]}),
        &json!({"Action": "S3:getobject"}),
    );
    same(
        &json!({"Action": ["a:X", "a:Y"]}),
        &json!({"Action": ["a:Y", "a:X", "a:Y"]}),
    );
    same(
        &json!({"Resource": ["r1", "r2"]}),
        &json!({"Resource": ["r2", "r1"]}),
    );
    same(
        &json!({"Principal": "*"}),
        &json!({"Principal": {"AWS": ["*"]}}),
    );
    same(
        &json!({"Principal": {"AWS": "111122223333"}}),
        &json!({"Principal": {"AWS": "arn:aws-cn:iam::111122223333:root"}}),
    );
    same(
        &json!({"Condition": {"Bool": {"aws:SecureTransport": false}}}),
        &json!({"Condition": {"Bool": {"AWS:securetransport": ["false"]}}}),
    );
    same(
        &json!({"Condition": {"NumericLessThan": {"s3:TlsVersion": 1.2}}}),
        &json!({"Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}}),
    );
}

#[test]
fn what_makes_a_difference() {
    different(&json!({"Effect": "Allow"}), &json!({"Effect": "Deny"}));
    different(&json!({"Resource": "arn:aws:s3:::B/*"}), &json!({}));
    different(
        &json!({"Principal": {"AWS": "x.amazonaws.com"}}),
        &json!({"Principal": {"Service": "x.amazonaws.com"}}),
    );
    different(
        &json!({"Principal": {"AWS": "arn:aws:iam::111122223333:role/root"}}),
        &json!({"Principal": {"AWS": "111122223333"}}),
    );
    different(
        &json!({"Action": ["a:X", "a:Y"]}),
        &json!({"Action": "a:X"}),
    );
    different(
        &json!({"Condition": {"Bool": {"k": "true"}}}),
        &json!({"Condition": {"BoolIfExists": {"k": "true"}}}),
    );
    different(
        &json!({"Condition": {"StringEquals": {"k": "V"}}}),
        &json!({"Condition": {"StringEquals": {"k": "v"}}}),
    );
    different(&json!({"Condition": {"Null": {"k": "true"}}}), &json!({}));
    let mut negated = statement(&json!({}));
    let action = negated.statements[0].rest.shift_remove("Action").unwrap();
    negated.statements[0]
        .rest
        .insert("NotAction".to_owned(), action);
    assert!(!negated.means(&statement(&json!({}))));
}

#[test]
fn documents_as_they_come() {
    let single = parse(&json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}));
    assert_eq!(
        (single.statements.len(), &*single.version),
        (1, "2008-10-17"),
        "what is not said is the first version"
    );
    assert_eq!(parse(&json!({})).statements, []);
    let text = r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Action":"a","NewField":{"x":[1]}}],"Id":"theirs"}"#;
    let kept: PolicyDocument = serde_json::from_str(text).unwrap();
    assert_eq!(kept.to_json(), text, "fields that we do not know are kept");
    for nonsense in [
        r#"{"Statement": 1}"#,
        r#"{"Statement": [{"Action": "a"}]}"#,
        r#"{"Statement": [{"Effect": "allow"}]}"#,
        "[]",
        "null",
    ] {
        assert!(
            serde_json::from_str::<PolicyDocument>(nonsense).is_err(),
            "{nonsense}"
        );
    }
}

#[test]
fn conditions_are_added_to() {
    let built = Statement::deny("X")
        .when("Null", "a", ["false".to_owned()])
        .when("Null", "b", ["true".to_owned()])
        .when("StringEquals", "c", ["1".to_owned(), "2".to_owned()]);
    assert_eq!(
        serde_json::to_value(built).unwrap(),
        json!({"Sid": "TfbackendX", "Effect": "Deny", "Condition": {"Null": {"a": "false", "b": "true"}, "StringEquals": {"c": ["1", "2"]}}})
    );
}

#[test]
fn services_that_are_allowed() {
    let document = |effect: &str, service: Value, action: Value| {
        parse(
            &json!({"Statement": [{"Effect": effect, "Principal": {"Service": service}, "Action": action, "Resource": "*"}]}),
        )
    };
    let service = "cloudtrail.amazonaws.com";
    for (effect, who, action, allowed) in [
        ("Allow", json!(service), json!("kms:GenerateDataKey*"), true),
        (
            "Allow",
            json!(["x", service]),
            json!(["kms:Decrypt", "KMS:GenerateDataKey"]),
            true,
        ),
        ("Allow", json!(service), json!("kms:*"), true),
        ("Deny", json!(service), json!("kms:*"), false),
        ("Allow", json!("s3.amazonaws.com"), json!("kms:*"), false),
        ("Allow", json!(service), json!("kms:Decrypt"), false),
    ] {
        assert_eq!(
            document(effect, who.clone(), action.clone())
                .allows_service(service, "kms:GenerateDataKey"),
            allowed,
            "{effect} {who} {action}"
        );
    }
    assert!(
        !parse(&json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": service}, "Action": "*"}]})).allows_service(service, "kms:x")
    );
}

/// Statements out of a few words, so that two of them are often the same in meaning.
fn statements() -> impl Strategy<Value = Vec<Statement>> {
    let sid = prop_oneof![Just(None), "(Tfbackend)?[AB]".prop_map(Some)];
    let one = (sid, any::<bool>(), "a:[xX]|a:y", "[pq]", any::<bool>()).prop_map(
        |(sid, deny, action, resource, list)| {
            let text = |text: String| if list { json!([text]) } else { json!(text) };
            let fields = Map::from_iter([
                ("Action".to_owned(), text(action)),
                ("Resource".to_owned(), text(resource)),
            ]);
            Statement {
                sid,
                effect: if deny { Effect::Deny } else { Effect::Allow },
                rest: fields,
            }
        },
    );
    prop::collection::vec(one, 0..6)
}

fn ours() -> impl Strategy<Value = PolicyDocument> {
    statements().prop_map(|mut statements| {
        for statement in &mut statements {
            statement.sid = Some(format!(
                "{OURS}{}",
                statement.sid.as_deref().unwrap_or_default()
            ));
        }
        PolicyDocument::new(statements)
    })
}

proptest! {
    #[test]
    fn over_keeps_theirs_holds_ours_and_drops_what_ours_was(ours in ours(), observed in statements().prop_map(PolicyDocument::new)) {
        let merged = ours.merge_onto(&observed);
        for statement in &ours.statements {
            prop_assert!(merged.says(statement));
        }
        let theirs = |document: &PolicyDocument| document.statements.iter().filter(|s| !s.is_ours()).cloned().collect::<Vec<_>>();
        prop_assert_eq!(theirs(&merged), theirs(&observed), "word for word, and in their order");
        for statement in merged.statements.iter().filter(|statement| statement.is_ours()) {
            prop_assert!(ours.says(statement), "nothing of ours is left that is not wanted");
        }
        prop_assert_eq!(&ours.merge_onto(&merged), &merged, "once is enough");
    }

    #[test]
    fn over_what_says_it_already_is_the_same_to_the_letter(ours in ours(), theirs in statements()) {
        let foreign = theirs.into_iter().filter(|statement| !statement.is_ours());
        let mut observed = ours.clone();
        observed.statements.splice(0..0, foreign);
        prop_assert_eq!(ours.merge_onto(&observed), observed);
    }

    #[test]
    fn meaning_does_not_hang_on_the_order(statements in statements()) {
        let document = PolicyDocument::new(statements.clone());
        let mut turned = statements;
        turned.reverse();
        prop_assert!(document.means(&PolicyDocument::new(turned)));
        let read: PolicyDocument = serde_json::from_str(&document.to_json()).unwrap();
        prop_assert_eq!(read, document);
    }
}
