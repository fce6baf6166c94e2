//! The topic of a load: made or found, and gone again afterwards.

use std::thread::sleep;
use std::time::{Duration, Instant};

use ottla_protocol::ErrorCode;

use super::error::{LoadError, Wrong};
use super::settings::{Settings, Topic};
use crate::client::{
    ClientError, Connection, Leader, Manners, create_topic, delete_topic, leaders, log_ends, log_starts,
};

/// How often the ends of the logs are asked for until they are where they must be.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Makes the topic, where it is to be made.
///
/// # Errors
/// Where it is there already.
pub fn make(settings: &Settings, manners: &Manners) -> Result<(), LoadError> {
    let Topic { name, create, .. } = &settings.topic;
    let Some((partitions, configs)) = create else { return Ok(()) };
    let configs: Vec<_> = configs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut connection = Connection::open(&settings.bootstrap, manners)?;
    Ok(create_topic(&mut connection, name, *partitions, &configs).map_err(explain)?)
}

/// Who leads its partitions.
///
/// # Errors
/// Where there is no such topic.
pub fn led_by(settings: &Settings, manners: &Manners) -> Result<Vec<Leader>, LoadError> {
    let mut connection = Connection::open(&settings.bootstrap, manners)?;
    let just_made = settings.topic.create.is_some();
    Ok(leaders(&mut connection, &settings.topic.name, just_made).map_err(explain)?)
}

/// Removes a topic that was made for the load.
///
/// # Errors
/// Where the broker refuses.
pub fn clean_up(settings: &Settings, manners: &Manners) -> Result<(), LoadError> {
    if settings.topic.create.is_some() && !settings.topic.keep {
        let mut connection = Connection::open(&settings.bootstrap, manners)?;
        delete_topic(&mut connection, &settings.topic.name)?;
    }
    Ok(())
}

/// Where the log of each partition begins and ends, in the order of `leaders`.
///
/// # Errors
/// Where a broker does not say.
pub fn bounds(
    settings: &Settings,
    manners: &Manners,
    leaders: &[Leader],
) -> Result<Vec<(i64, i64)>, LoadError> {
    let mut found = vec![(0, 0); leaders.len()];
    let mut addresses: Vec<_> = leaders.iter().map(|leader| &leader.address).collect();
    addresses.sort();
    addresses.dedup();
    for address in addresses {
        let mut connection = Connection::open(address, manners)?;
        let own = || leaders.iter().enumerate().filter(|(_, leader)| leader.address == *address);
        let partitions: Vec<_> = own().map(|(_, leader)| leader.partition).collect();
        let starts = log_starts(&mut connection, &settings.topic.name, &partitions)?;
        let ends = log_ends(&mut connection, &settings.topic.name, &partitions)?;
        for ((page, _), bounds) in own().zip(starts.into_iter().zip(ends)) {
            if let Some(found) = found.get_mut(page) {
                *found = bounds;
            }
        }
    }
    Ok(found)
}

/// The log of each partition ends where the last acknowledged batch does. Where replicas are slower than the answer was, that may take
/// a while to show.
///
/// # Errors
/// Where one does not.
pub fn check_ends(
    settings: &Settings,
    manners: &Manners,
    leaders: &[Leader],
    ends: &[i64],
) -> Result<(), LoadError> {
    let since = Instant::now();
    loop {
        let found = bounds(settings, manners, leaders)?;
        let mut each = leaders.iter().zip(found.into_iter().map(|(_, end)| end).zip(ends));
        let Some((leader, (found, end))) = each.find(|(_, (found, end))| found != *end) else {
            return Ok(());
        };
        let (expected, found) = (*end, found);
        if found < expected && since.elapsed() < settings.patience {
            sleep(LOOK_AGAIN);
            continue;
        }
        let wrong = match found < expected {
            true => Wrong::Lost { acknowledged: expected, found },
            false => Wrong::OutOfStep { expected, found },
        };
        let (topic, partition) = (settings.topic.name.clone(), leader.partition);
        return Err(LoadError::Wrong { topic, partition, wrong });
    }
}

/// Says what to do about the two refusals that everybody meets.
fn explain(error: ClientError) -> ClientError {
    let advice = |code: &ErrorCode| match *code {
        ErrorCode::TopicAlreadyExists => Some("leave out --create to use it as it is, or take another name"),
        ErrorCode::UnknownTopicOrPartition => Some("there is no such topic; --create makes it"),
        _ => None,
    };
    match error {
        ClientError::Refused { address, api, what, code, message } => {
            let message = advice(&code).map(str::to_owned).or(message);
            ClientError::Refused { address, api, what, code, message }
        }
        error => error,
    }
}
