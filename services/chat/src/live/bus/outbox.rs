//! What is still to be told to the other instances. Pure and bounded: what does not fit becomes one word,
//! "everything".

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use contract::id::RoomId;
use uuid::Uuid;

use super::wire::{self, Parcel};
use crate::live::update::Signal;

/// Rooms that wait to be told. About 1 MiB.
const MAX_ROOMS: usize = 8192;
/// Signals that wait to be told: they are of the moment.
const MAX_SIGNALS: usize = 256;

#[derive(Debug, Default)]
pub(in crate::live) struct Outbox {
    everything: bool,
    rooms: HashMap<RoomId, News>,
    /// The same rooms, the oldest first.
    order: VecDeque<RoomId>,
    signals: VecDeque<(RoomId, Arc<Signal>)>,
}

#[derive(Debug, Default, Clone, Copy)]
struct News {
    /// The newest message; 0 for none.
    seq: i64,
    changed: bool,
}

impl Outbox {
    pub(in crate::live) fn stored(&mut self, room: RoomId, seq: i64) {
        self.add(room, News { seq, changed: false });
    }

    pub(in crate::live) fn changed(&mut self, room: RoomId) {
        self.add(room, News { seq: 0, changed: true });
    }

    /// The oldest gives way. A signal that fits into no parcel is dropped.
    pub(in crate::live) fn signal(&mut self, room: RoomId, signal: Arc<Signal>) {
        if wire::EMPTY + wire::size_of(&signal) > wire::MAX_BYTES {
            return;
        }
        if self.signals.len() == MAX_SIGNALS {
            self.signals.pop_front();
        }
        self.signals.push_back((room, signal));
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.everything && self.order.is_empty() && self.signals.is_empty()
    }

    /// As much as fits into one parcel.
    pub(super) fn take(&mut self, from: Uuid) -> Parcel {
        let mut parcel = Parcel::new(from);
        parcel.everything = std::mem::take(&mut self.everything);
        let mut size = wire::EMPTY;
        // Half of the space at least is left to messages.
        while let Some((_, signal)) = self.signals.front()
            && (size == wire::EMPTY || size + wire::size_of(signal) <= wire::MAX_BYTES / 2)
            && let Some((room, signal)) = self.signals.pop_front()
        {
            size += wire::size_of(&signal);
            parcel.signals.push((room, Signal::clone(&signal)));
        }
        while size + 2 * wire::ROOM <= wire::MAX_BYTES
            && let Some(room) = self.order.pop_front()
        {
            let Some(news) = self.rooms.remove(&room) else { continue };
            if news.seq > 0 {
                parcel.rooms.push((room, news.seq));
                size += wire::ROOM;
            }
            if news.changed {
                parcel.changed.push(room);
                size += wire::ROOM;
            }
        }
        parcel
    }

    /// Takes back what could not be told. Signals are too late by then.
    pub(super) fn take_back(&mut self, parcel: Parcel) {
        self.everything |= parcel.everything;
        for (room, seq) in parcel.rooms {
            self.stored(room, seq);
        }
        for room in parcel.changed {
            self.changed(room);
        }
    }

    fn add(&mut self, room: RoomId, news: News) {
        if let Some(known) = self.rooms.get_mut(&room) {
            known.seq = known.seq.max(news.seq);
            known.changed |= news.changed;
            return;
        }
        if self.rooms.len() == MAX_ROOMS {
            self.everything = true;
            self.rooms.clear();
            self.order.clear();
        }
        if !self.everything {
            self.rooms.insert(room, news);
            self.order.push_back(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::id::UserId;
    use proptest::prelude::*;

    use super::*;

    const ME: Uuid = Uuid::from_u128(7);

    fn room(n: usize) -> RoomId {
        Uuid::from_u128(n as u128).into()
    }

    fn typing() -> Arc<Signal> {
        Arc::new(Signal::Typing { sender: ME, typing: true })
    }

    /// Everything, parcel by parcel.
    fn told(outbox: &mut Outbox) -> Vec<Parcel> {
        let mut parcels = Vec::new();
        while !outbox.is_empty() {
            let parcel = outbox.take(ME);
            assert!(parcel.encode().len() < 8000, "{}", parcel.encode().len());
            assert_eq!(Parcel::decode(parcel.encode().as_bytes()).as_ref(), Some(&parcel));
            parcels.push(parcel);
        }
        parcels
    }

    #[test]
    fn of_many_messages_of_a_room_only_the_newest_is_told() {
        let mut outbox = Outbox::default();
        for seq in [3, 5, 4] {
            outbox.stored(room(1), seq);
        }
        outbox.changed(room(1));
        outbox.stored(room(2), 1);
        let parcel = &told(&mut outbox)[..];
        let [parcel] = parcel else { panic!("{parcel:?}") };
        assert_eq!(parcel.rooms, [(room(1), 5), (room(2), 1)]);
        assert_eq!(parcel.changed, [room(1)]);
    }

    #[test]
    fn what_does_not_fit_becomes_everything_and_memory_is_bounded() {
        let mut outbox = Outbox::default();
        for n in 0..MAX_ROOMS * 3 {
            outbox.stored(room(n), 1);
            outbox.signal(room(n), typing());
            assert!(outbox.rooms.len() <= MAX_ROOMS && outbox.signals.len() <= MAX_SIGNALS);
        }
        assert!(outbox.take(ME).everything);
        told(&mut outbox);
        outbox.stored(room(1), 2);
        assert_eq!(outbox.take(ME).rooms, [(room(1), 2)], "afterwards rooms are told by name again");
    }

    #[test]
    fn what_could_not_be_told_is_told_later_and_signals_are_not() {
        let mut outbox = Outbox::default();
        outbox.stored(room(1), 4);
        outbox.signal(room(1), typing());
        let parcel = outbox.take(ME);
        assert_eq!(parcel.signals.len(), 1);
        outbox.stored(room(1), 6);
        outbox.take_back(parcel);
        let parcel = outbox.take(ME);
        assert_eq!((parcel.rooms, parcel.signals), (vec![(room(1), 6)], vec![]));
    }

    #[test]
    fn a_signal_that_fits_into_no_parcel_is_dropped() {
        let mut outbox = Outbox::default();
        let online = vec![UserId::from(ME); 1000];
        outbox.signal(room(1), Arc::new(Signal::Presence { online }));
        assert!(outbox.is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_room_is_told_once_in_parcels_that_fit(
            sizes in proptest::collection::vec((0..400_usize, 1..i64::MAX, any::<bool>(), 0..100_usize), 0..200),
        ) {
            let mut outbox = Outbox::default();
            let mut newest = HashMap::new();
            for (n, seq, changed, users) in sizes {
                outbox.stored(room(n), seq);
                let known: &mut i64 = newest.entry(room(n)).or_default();
                *known = seq.max(*known);
                if changed {
                    outbox.changed(room(n));
                }
                outbox.signal(room(n), Arc::new(Signal::Presence { online: vec![UserId::from(ME); users] }));
            }
            let parcels = told(&mut outbox);
            let rooms: Vec<_> = parcels.iter().flat_map(|parcel| parcel.rooms.clone()).collect();
            prop_assert_eq!(rooms.len(), newest.len());
            prop_assert_eq!(rooms.into_iter().collect::<HashMap<_, _>>(), newest);
        }
    }
}
