//! `docs/reference/s3.md` names every resource and every option.

use std::collections::BTreeSet;

use tfbackend::settings::options::SettingOptions;

use super::{EVERYTHING, SETTINGS};
use crate::support::{made_up, page};

#[test]
fn every_resource_and_option_is_explained() {
    let page = page::read("docs/reference/s3.md");
    let named: BTreeSet<&str> = page.split('`').skip(1).step_by(2).collect();
    for node in made_up::environment("prod", EVERYTHING, SETTINGS)
        .provider
        .blueprint
        .nodes()
    {
        let address = node.address.as_str();
        // One of several, such as `topic/subscription[…]`.
        let kind = address.split('[').next().unwrap_or(address);
        assert!(
            named.contains(address) || named.contains(format!("{kind}[…]").as_str()),
            "{address}"
        );
    }
    for option in SettingOptions::shared()
        .all()
        .iter()
        .filter(|option| !["Credentials", "Files", "Run"].contains(&&*option.heading))
    {
        let flag = format!("--{}", option.name);
        assert!(
            named
                .iter()
                .any(|code| code.split([' ', '=']).next() == Some(&flag)),
            "{flag}"
        );
    }
    for code in named.iter().filter(|code| code.starts_with("--")) {
        let flag = code
            .trim_start_matches('-')
            .split([' ', '='])
            .next()
            .expect("a flag");
        assert!(
            SettingOptions::shared().get(flag).is_some(),
            "{code} is no option"
        );
    }
}
