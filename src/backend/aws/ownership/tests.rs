//! Whose something is, by its tags alone.

use super::*;

fn mark() -> EnvironmentId {
    EnvironmentId {
        project: "acme".to_owned(),
        env: "dev".to_owned(),
    }
}

#[test]
fn ours_are_the_tags_that_we_write() {
    for protected in [true, false] {
        assert_eq!(
            mark().owner(&mark().tags(protected, &Tags::new())),
            ResourceOwner::Us
        );
    }
    let mut more = Tags::from([("team".to_owned(), "platform".to_owned())]);
    assert_eq!(mark().owner(&mark().tags(true, &more)), ResourceOwner::Us);
    more.insert(MANAGED_BY.to_owned(), "terraform".to_owned());
    let tags = mark().tags(true, &more);
    assert_eq!(
        (tags[MANAGED_BY].as_str(), tags["team"].as_str()),
        ("tfbackend", "platform"),
        "ours cannot be overruled"
    );
}

#[test]
fn another_environment_is_another_owner() {
    for (project, env) in [("acme", "prod"), ("other", "dev")] {
        let other = EnvironmentId {
            project: project.to_owned(),
            env: env.to_owned(),
        };
        let ResourceOwner::Other(who) = mark().owner(&other.tags(true, &Tags::new())) else {
            panic!("not ours")
        };
        assert!(who.contains(project) && who.contains(env), "{who}");
    }
}

#[test]
fn anything_less_is_unmanaged() {
    assert_eq!(mark().owner(&Tags::new()), ResourceOwner::Unmanaged);
    for missing in [MANAGED_BY, PROJECT, ENV] {
        let mut tags = mark().tags(true, &Tags::new());
        tags.remove(missing);
        assert_eq!(
            mark().owner(&tags),
            ResourceOwner::Unmanaged,
            "without {missing}"
        );
    }
    let mut tags = mark().tags(true, &Tags::new());
    tags.insert(MANAGED_BY.to_owned(), "terraform".to_owned());
    assert_eq!(mark().owner(&tags), ResourceOwner::Unmanaged);
}
