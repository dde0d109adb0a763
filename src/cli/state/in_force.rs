//! Whether the bucket's policy makes every run use the backend's encryption. Until it does, runs go
//! on that are configured otherwise, and those who run them may have no permission for the key:
//! what they have to read keeps its encryption.

use crate::{
    backend::aws::{
        bucket::policy,
        error::AwsError,
        store::{content, write::WriteEncryption},
    },
    cli::{context::Context, failure::CliError, target::BackendTarget},
    state::layout::LocatedObject,
};

pub enum InForce {
    Yes,
    /// A policy of ours that lets through something else, too.
    NotYet,
    /// The bucket has no policy of ours.
    NotOurs,
    Unknown(AwsError),
}

impl InForce {
    /// # Errors
    /// If it is interrupted.
    pub async fn look(
        target: &BackendTarget,
        key: Option<&str>,
        cx: &mut Context<'_>,
    ) -> Result<Self, CliError> {
        Ok(
            match cx
                .look(policy::get(&target.aws, &target.address.bucket))
                .await?
            {
                Ok(Some(document)) if policy::asks_for_nothing_but(&document, key) => Self::Yes,
                Ok(Some(document)) if document.has_ours() => Self::NotYet,
                Ok(Some(_) | None) => Self::NotOurs,
                Err(error) => Self::Unknown(error),
            },
        )
    }

    /// Why the encryption of a state stays as it is; `named` says that the user named this state,
    /// and no other.
    pub fn keeps(
        &self,
        located: &LocatedObject,
        named: bool,
        target: &BackendTarget,
    ) -> Option<String> {
        let layout = &target.address.layout;
        let is_own = layout
            .key
            .as_ref()
            .is_some_and(|key| layout.path(key, &located.workspace) == located.path);
        match self {
            Self::Yes => None,
            Self::NotOurs => (!named && !is_own).then(|| {
                "it is not of this configuration, and who runs it may have no permission for the \
                 key; name it to have it encrypted"
                    .to_owned()
            }),
            Self::NotYet => Some(
                "the bucket policy lets runs go on that use other encryption, and they may have \
                 no permission for the key; `tfbackend plan` says what waits, and `tfbackend \
                 bootstrap --enforce` ends it"
                    .to_owned(),
            ),
            Self::Unknown(error) => Some(format!(
                "whether runs go on that use other encryption is unknown: {error}"
            )),
        }
    }
}

/// How a state is written that is encrypted as `is` says, if it is there.
///
/// # Errors
/// If it is interrupted.
pub async fn for_state(
    target: &BackendTarget,
    is: Option<&content::ObjectEncryption>,
    cx: &mut Context<'_>,
) -> Result<WriteEncryption, CliError> {
    let asked = &target.encryption;
    let WriteEncryption::Kms(_) = asked else {
        return Ok(asked.clone());
    };
    if is.is_some_and(|is| is.key.is_some()) {
        return Ok(asked.clone());
    }
    let key = cx.look(target.key_arn()).await?.ok().flatten();
    Ok(match InForce::look(target, key.as_deref(), cx).await? {
        InForce::NotYet => WriteEncryption::Unsaid,
        InForce::Yes | InForce::NotOurs | InForce::Unknown(_) => asked.clone(),
    })
}
