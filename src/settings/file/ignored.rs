//! `[[ignore]]` and `[[env.NAME.ignore]]`: accepted findings, with reasons.

use toml::{Spanned, de::DeValue};

use super::{FileResult, SettingsReader, in_order};
use crate::{
    checks::accept::AcceptedFinding,
    settings::{error::SettingsProblem, variables::nearest},
};

/// The table's name in the file.
pub(crate) const TABLE: &str = "ignore";
const FIELDS: &[&str] = &["id", "at", "reason", "until"];

/// Returns whether it is a valid day, such as `2027-01-31`.
pub(crate) fn is_day(text: &str) -> bool {
    text.len() == "2027-01-31".len() && text.parse::<jiff::civil::Date>().is_ok()
}

impl SettingsReader<'_> {
    pub(super) fn ignored(&self, value: &Spanned<DeValue<'_>>) -> FileResult<Vec<AcceptedFinding>> {
        let DeValue::Array(items) = value.get_ref() else {
            return Err(self.wrong_type(
                TABLE,
                "a list of tables, each written `[[ignore]]`",
                value.get_ref(),
                &value.span(),
            ));
        };
        items.iter().map(|item| self.acceptance(item)).collect()
    }

    fn acceptance(&self, item: &Spanned<DeValue<'_>>) -> FileResult<AcceptedFinding> {
        let mut acceptance = AcceptedFinding {
            id: String::new(),
            at: None,
            reason: String::new(),
            until: None,
        };
        for (key, value) in in_order(self.table(TABLE, item)?) {
            let name = key.get_ref().as_ref();
            let DeValue::String(text) = value.get_ref() else {
                return Err(self.wrong_type(
                    name,
                    "text in quotes",
                    value.get_ref(),
                    &value.span(),
                ));
            };
            let text = text.to_string();
            match name {
                "id" => acceptance.id = text,
                "at" => acceptance.at = Some(text),
                "reason" => acceptance.reason = text,
                "until" if is_day(&text) => acceptance.until = Some(text),
                "until" => {
                    let reason = format!(
                        "`{}` is not a valid day such as 2027-01-31",
                        text.escape_debug()
                    );
                    return Err(self.error(
                        &value.span(),
                        SettingsProblem::Value {
                            name: name.to_owned(),
                            reason,
                        },
                    ));
                }
                _ => {
                    let nearest = nearest(name, FIELDS.iter().copied(), 0);
                    return Err(self.error(
                        &key.span(),
                        SettingsProblem::Unknown {
                            name: name.to_owned(),
                            nearest,
                        },
                    ));
                }
            }
        }
        for (name, said) in [("id", &acceptance.id), ("reason", &acceptance.reason)] {
            if said.trim().is_empty() {
                let reason = "is required: an accepted finding needs an id and a reason".to_owned();
                return Err(self.error(
                    &item.span(),
                    SettingsProblem::Value {
                        name: name.to_owned(),
                        reason,
                    },
                ));
            }
        }
        Ok(acceptance)
    }
}
