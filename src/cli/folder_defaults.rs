//! Defaults that depend on the folder that the files go to: the state key, and the name of the
//! partial configuration.
//!
//! Two folders of one repository must not use one state, so each has a key of its own: its place in
//! the repository. A folder that has files of ours keeps what they say.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use crate::{
    host::Host,
    kind::BackendKind,
    settings::{
        defaults,
        file::SettingsFile,
        layer::SettingsLayer,
        merge::{MergedSettings, SettingOrigin},
        names::{EnvName, FileName, ProjectName, Region, StateFolder, StateKey},
    },
    terraform::{
        read::{PartialFile, partial},
        write::header::HeaderOwner,
    },
};

/// Puts the defaults of the folder below everything that was said.
pub(crate) fn put(
    merged: MergedSettings,
    env: &EnvName,
    file: Option<&SettingsFile>,
    host: &Host,
) -> MergedSettings {
    let out = out(&merged, host);
    let ours = ours(&out, env, &merged);
    let derived = SettingsLayer {
        project: project_of_files(&ours, merged.kind),
        region: region_of_files(&ours),
        key: key_of_place(&out),
        conf_file: conf_file(&ours, env, file, merged.kind),
        state_dir: state_dir(&merged, env, host),
        ..SettingsLayer::default()
    };
    let merged = merged.with_folder(&derived);
    match key_of_files(&ours, env, &merged) {
        Some(key) => merged.with_kept(&SettingsLayer {
            key: Some(key),
            ..SettingsLayer::default()
        }),
        None => merged,
    }
}

/// Returns whether the state key was said for this folder. A key in a settings file that is above
/// the
/// folder may be that of another folder as well, and an answer that takes the default says nothing.
pub(crate) fn key_is_said(merged: &MergedSettings, host: &Host) -> bool {
    match merged.origin("key") {
        Some(SettingOrigin::Flag | SettingOrigin::Variable { .. }) => true,
        Some(SettingOrigin::Answer) => merged.layer.key != Some(default_key(&out(merged, host))),
        Some(SettingOrigin::File { path, .. }) => {
            let of_file = normal(&host.cwd.join(path));
            let names_folder = matches!(merged.origin("out"), Some(SettingOrigin::File { path: of_out, .. }) if of_out == path);
            names_folder || of_file.parent() == Some(&*out(merged, host))
        }
        _ => false,
    }
}

/// Returns the settings to save in the file. A key that is only the default of this folder would be
/// that of every folder.
pub(crate) fn without(layer: SettingsLayer, merged: &MergedSettings, host: &Host) -> SettingsLayer {
    let of_folder =
        merged.origin("key") == Some(&SettingOrigin::Answer) && !key_is_said(merged, host);
    SettingsLayer {
        key: layer.key.filter(|_| !of_folder),
        ..layer
    }
}

/// The partial configurations of ours in a folder that are of this environment, by name.
fn ours(out: &Path, env: &EnvName, merged: &MergedSettings) -> Vec<PartialFile> {
    let named = merged
        .layer
        .conf_file
        .as_ref()
        .map(|name| name.for_env(env));
    let is_of = |owner: &HeaderOwner| {
        let project = merged.layer.project.as_ref();
        owner.env == env.as_str() && project.is_none_or(|project| owner.project == project.as_str())
    };
    let mut ours = partial::ours(out, named.as_deref());
    ours.retain(|one| one.stated_owner.as_ref().is_some_and(is_of));
    ours
}

/// The default of a folder without files of ours.
fn default_key(out: &Path) -> StateKey {
    key_of_place(out)
        .or(defaults::defaults().key)
        .expect("there is a default")
}

/// Returns the default key from the path of the folder in its Git repository; `None` for the root,
/// and outside of a
/// repository.
fn key_of_place(out: &Path) -> Option<StateKey> {
    let root = out.ancestors().find(|dir| dir.join(".git").exists())?;
    let place = out
        .strip_prefix(root)
        .ok()?
        .to_str()?
        .replace(std::path::MAIN_SEPARATOR, "/");
    if place.is_empty() {
        None
    } else {
        format!("{place}/terraform.tfstate").parse().ok()
    }
}

fn key_of_files(ours: &[PartialFile], env: &EnvName, merged: &MergedSettings) -> Option<StateKey> {
    // Once the default of the name is known.
    let named = merged
        .layer
        .conf_file
        .as_ref()
        .map(|name| name.for_env(env));
    let mut ours: Vec<&PartialFile> = ours.iter().collect();
    ours.sort_by_key(|one| Some(one.name()) != named);
    ours.into_iter().find_map(|one| {
        let key = one.said().iter().find(|argument| argument.name == "key")?;
        key.value.as_text()?.parse().ok()
    })
}

/// The one project whose files they are.
fn project_of_files(ours: &[PartialFile], kind: BackendKind) -> Option<ProjectName> {
    let owners = ours.iter().filter_map(|one| one.stated_owner.as_ref());
    let projects: BTreeSet<&str> = owners
        .filter(|owner| owner.kind == kind)
        .map(|owner| &*owner.project)
        .collect();
    match projects.len() {
        1 => projects.first()?.parse().ok(),
        _ => None,
    }
}

/// The one region that they name.
fn region_of_files(ours: &[PartialFile]) -> Option<Region> {
    let named = ours.iter().flat_map(PartialFile::said);
    let regions: BTreeSet<&str> = named
        .filter(|argument| argument.name == "region")
        .filter_map(|argument| argument.value.as_text())
        .collect();
    match regions.len() {
        1 => regions.first()?.parse().ok(),
        _ => None,
    }
}

/// A file of ours that is there keeps its name.
fn conf_file(
    ours: &[PartialFile],
    env: &EnvName,
    file: Option<&SettingsFile>,
    kind: BackendKind,
) -> Option<FileName> {
    // Where the settings file has several environments.
    let of_several = format!("{{env}}.{kind}.tfbackend");
    let of_several: FileName = of_several.parse().expect("a name");
    let one = defaults::defaults().conf_file.expect("there is a default");
    let there = |name: &FileName| ours.iter().any(|ours| ours.name() == name.for_env(env));
    let envs: BTreeSet<&EnvName> = file
        .iter()
        .flat_map(|file| file.envs.keys())
        .chain([env])
        .collect();
    let (first, second) = if envs.len() > 1 {
        (of_several.clone(), one)
    } else {
        (one, of_several.clone())
    };
    let chosen = if there(&second) && !there(&first) {
        second
    } else {
        first
    };
    (chosen == of_several).then_some(chosen)
}

/// The folder for data of the user ("XDG Base Directory Specification"), and in it one for the
/// environment: outside of every repository.
fn state_dir(merged: &MergedSettings, env: &EnvName, host: &Host) -> Option<StateFolder> {
    if merged.kind != BackendKind::Local {
        return None;
    }
    let project = merged.layer.project.as_ref()?;
    let is_absolute = |path: &PathBuf| path.is_absolute();
    let named = host.var("XDG_DATA_HOME").map(PathBuf::from);
    let of_home = || {
        let home = host.var("HOME").or_else(|| host.var("USERPROFILE"))?;
        Some(Path::new(home).join(".local").join("share"))
    };
    let data = named.filter(is_absolute).or_else(of_home)?;
    let folder = data
        .join("tfbackend")
        .join(project.as_str())
        .join(env.as_str());
    folder.to_str()?.parse().ok()
}

fn out(merged: &MergedSettings, host: &Host) -> PathBuf {
    normal(
        &host
            .cwd
            .join(merged.layer.out.as_ref().map_or(".", |out| out.as_str())),
    )
}

/// Without `.` and `..`, as far as the path itself says.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(normal.pop()),
            part => normal.push(part),
        }
    }
    normal
}

/// The name of the Git repository's folder, else of the current one.
pub(crate) fn repository(host: &Host) -> Option<String> {
    let root = host
        .cwd
        .ancestors()
        .find(|dir| dir.join(".git").exists())
        .unwrap_or(&host.cwd);
    root.file_name()
        .map(|name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn key(out: &Path) -> Option<String> {
        key_of_place(out).map(|key| key.to_string())
    }

    #[test]
    fn a_folder_below_the_root_has_a_key_of_its_own() {
        let dir = tempfile::tempdir().expect("a folder");
        let repository = dir.path().join("infra");
        assert_eq!(
            key(&repository.join("network")),
            None,
            "outside of a repository there is no place"
        );
        fs::create_dir_all(repository.join(".git")).expect("made");
        assert_eq!(key(&repository), None);
        assert_eq!(
            key(&repository.join("network")).as_deref(),
            Some("network/terraform.tfstate")
        );
        assert_eq!(
            key(&normal(&repository.join("apps/../live/prod eu/."))).as_deref(),
            Some("live/prod eu/terraform.tfstate")
        );
        // No key can be made of it.
        assert_eq!(key(&repository.join("what?")), None);
    }

    #[test]
    fn a_work_tree_is_a_repository_too() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join(".git"), "gitdir: elsewhere").expect("written");
        assert_eq!(
            key(&dir.path().join("a")).as_deref(),
            Some("a/terraform.tfstate")
        );
    }
}
