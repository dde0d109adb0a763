//! As whom a backend is to be used: the role that its arguments name, and what only Terraform
//! follows.

use std::collections::BTreeMap;

use super::{ArgumentOrigin, ArgumentValue, ConfiguredArguments, NotConfigured, SourcedValue};

/// A role to be assumed before anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredRole {
    pub arn: String,
    pub session_name: Option<String>,
    pub external_id: Option<String>,
    /// As Go writes a duration, as in `1h30m`.
    pub duration: Option<String>,
    /// Names of other fields of `assume_role`.
    pub more: Vec<String>,
}

/// Arguments about calling AWS: each has a counterpart outside of the backend, and none is applied
/// here.
const NOT_FOLLOWED: [&str; 16] = [
    "access_key",
    "secret_key",
    "token",
    "sse_customer_key",
    "assume_role_with_web_identity",
    "shared_credentials_files",
    "shared_credentials_file",
    "shared_config_files",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "insecure",
    "sts_region",
    "ec2_metadata_service_endpoint",
    "ec2_metadata_service_endpoint_mode",
    "use_legacy_workflow",
];
/// The flat arguments of before `assume_role`, each with the field that took its place.
const FLAT: [(&str, &str); 8] = [
    ("role_arn", "role_arn"),
    ("session_name", "session_name"),
    ("external_id", "external_id"),
    ("assume_role_duration_seconds", "duration"),
    ("assume_role_policy", "policy"),
    ("assume_role_policy_arns", "policy_arns"),
    ("assume_role_tags", "tags"),
    ("assume_role_transitive_tag_keys", "transitive_tag_keys"),
];

/// # Errors
/// If there is one, and it is no plain value.
pub(super) fn of(
    arguments: &ConfiguredArguments,
) -> Result<Option<SourcedValue<ConfiguredRole>>, NotConfigured> {
    let Some(SourcedValue {
        value: fields,
        origin,
    }) = arguments.get("assume_role", |value| value.as_object().cloned())?
    else {
        return flat(arguments);
    };
    role("assume_role.", fields, origin).map(Some)
}

/// Those that are there, and say anything.
pub(super) fn not_followed(arguments: &ConfiguredArguments) -> Vec<SourcedValue<String>> {
    let there = NOT_FOLLOWED
        .iter()
        .filter_map(|name| arguments.0.get(*name));
    let says = |value: &ArgumentValue| {
        !matches!(value, ArgumentValue::Bool(false))
            && value.as_text() != Some("")
            && value.as_text() != Some("false")
    };
    there
        .filter(|it| says(&it.value))
        .map(|it| SourcedValue {
            value: it.name.clone(),
            origin: ArgumentOrigin::File(it.at.clone()),
        })
        .collect()
}

fn flat(
    arguments: &ConfiguredArguments,
) -> Result<Option<SourcedValue<ConfiguredRole>>, NotConfigured> {
    let Some(arn) = arguments
        .0
        .get("role_arn")
        .filter(|arn| arn.value.as_text() != Some(""))
    else {
        return Ok(None);
    };
    let origin = ArgumentOrigin::File(arn.at.clone());
    let fields = FLAT.iter().filter_map(|(name, field)| {
        let value = arguments.0.get(*name)?.value.clone();
        match (*field, value) {
            ("duration", ArgumentValue::Number(seconds) | ArgumentValue::Text(seconds)) => Some((
                "duration".to_owned(),
                ArgumentValue::Text(format!("{seconds}s")),
            )),
            (field, value) => Some((field.to_owned(), value)),
        }
    });
    role("", fields.collect(), origin).map(Some)
}

fn role(
    before: &str,
    mut fields: BTreeMap<String, ArgumentValue>,
    origin: ArgumentOrigin,
) -> Result<SourcedValue<ConfiguredRole>, NotConfigured> {
    fields.retain(|_, value| *value != ArgumentValue::Null && value.as_text() != Some(""));
    let mut text = |name: &str| match fields.remove(name) {
        None => Ok(None),
        Some(value) => match value.as_text() {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(NotConfigured::NotPlain {
                argument: format!("{before}{name}"),
                origin: origin.clone(),
            }),
        },
    };
    let (arn, session_name) = (text("role_arn")?, text("session_name")?);
    let (external_id, duration) = (text("external_id")?, text("duration")?);
    let Some(arn) = arn else {
        return Err(NotConfigured::NotPlain {
            argument: format!("{before}role_arn"),
            origin,
        });
    };
    let value = ConfiguredRole {
        arn,
        session_name,
        external_id,
        duration,
        more: fields.into_keys().collect(),
    };
    Ok(SourcedValue { value, origin })
}
