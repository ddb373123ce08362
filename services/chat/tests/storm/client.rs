//! Clients: each follows its room over whichever instance there is, and judges what comes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::course::{Course, Opened, Step};
use super::stream::{Came, End, SMALL, Stream, Way, connect};
use super::world::{Seat, World, count};

/// Without `ready` after this long another instance is tried: this one is dead or frozen.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two attempts to connect.
const PACE: Duration = Duration::from_millis(50);
/// What is told of a client that got something wrong.
const REMEMBERED: usize = 24;
/// A slow reader reads nothing until its room is so much further.
const LAG: i64 = 60;
/// A restless client goes elsewhere after at most so many messages.
const RESTLESS: u32 = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Stays for as long as it can, and resumes where it was.
    Steady,
    /// Goes elsewhere again and again.
    Restless,
    /// Comes without a word of what it has.
    Fresh,
    /// Reads nothing for long.
    Slow,
}

pub(crate) struct Client {
    number: usize,
    world: Arc<World>,
    random: StdRng,
    place: i64,
    /// What happened to it last.
    memory: VecDeque<String>,
    began: Instant,
}

impl Client {
    pub(crate) fn new(number: usize, world: Arc<World>, random: StdRng) -> Self {
        Self { number, world, random, place: 0, memory: VecDeque::new(), began: Instant::now() }
    }

    /// Until all is over.
    pub(crate) async fn run(mut self) {
        let world = self.world.clone();
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let end = tokio::select! {
                () = world.over.cancelled() => return,
                end = async {
                    pace.tick().await;
                    self.follow().await
                } => end,
            };
            world.clients[self.number].login.store(u64::MAX, Ordering::SeqCst);
            match end {
                Ok(never) => match never {},
                Err(End::Broken(why)) => self.note(&why),
                Err(End::Wrong(what)) => self.complain(&what),
            }
        }
    }

    /// One stream, from its opening to its end.
    async fn follow(&mut self) -> Result<std::convert::Infallible, End> {
        let world = self.world.clone();
        let seat = &world.clients[self.number];
        let room = &world.rooms[seat.room];
        let instance = world.pick(&mut self.random);
        let door = &world.instances[instance];
        let opened = self.opened();
        let (login, token) = room.token();
        self.note(&format!("to instance {} as {opened:?}", instance + 1));
        let mut course = Course::new(opened);
        let opening = async {
            let buffer = (seat.habit == Habit::Slow).then_some(SMALL);
            let tcp = connect(door.address, buffer).await?;
            let mut stream = Stream::open(seat.way, tcp, door.address, room.id, &token, opened).await?;
            let first = stream.next().await?;
            Ok::<_, End>((stream, first))
        };
        let (mut stream, first) = match timeout(PATIENCE, opening).await {
            Ok(Ok(open)) => open,
            Ok(Err(end)) => {
                count(&world.counts.refused);
                return Err(end);
            }
            Err(_elapsed) => return Err(End::Broken("not ready in time".to_owned())),
        };
        count(&world.counts.opened);
        seat.login.store(login, Ordering::SeqCst);
        let mut leaves_after =
            (seat.habit == Habit::Restless).then(|| self.random.random_range(1..=RESTLESS));
        self.take(&mut course, first)?;
        loop {
            if leaves_after == Some(0) && !world.calm.is_cancelled() {
                return Err(End::Broken("had enough".to_owned()));
            }
            if seat.habit == Habit::Slow {
                self.dawdle().await;
            }
            let came = stream.next().await?;
            if let (Came::Message(_), Some(left)) = (&came, &mut leaves_after) {
                *left = left.saturating_sub(1);
            }
            if matches!(came, Came::Message(_)) {
                count(&door.delivered);
            }
            self.take(&mut course, came)?;
        }
    }

    /// Frames and parameters are two ways to say the same, where there are two.
    fn opened(&mut self) -> Opened {
        let seat = &self.world.clients[self.number];
        match (seat.habit, seat.way) {
            (Habit::Fresh, _) => Opened::Fresh,
            (_, Way::Socket) if self.random.random_bool(0.5) => Opened::Resuming(self.place),
            _ => Opened::Behind(self.place),
        }
    }

    /// Reads nothing until the room is far ahead, or the storm is over.
    async fn dawdle(&self) {
        let room = &self.world.rooms[self.world.clients[self.number].room];
        if *room.head.borrow() > self.place {
            return;
        }
        let mut head = room.head.subscribe();
        let until = self.place + LAG;
        tokio::select! {
            _ = head.wait_for(|head| *head >= until) => {}
            () = self.world.calm.cancelled() => {}
        }
    }

    fn take(&mut self, course: &mut Course, came: Came) -> Result<(), End> {
        let world = self.world.clone();
        let seat = &world.clients[self.number];
        let owed = course.owed.len();
        let judged = match came {
            Came::Ready(last) => {
                self.note(&format!("ready behind {last}"));
                course.ready(last, &mut self.place)
            }
            Came::Part(name, data) => course.part(&name, data),
            Came::Aside => Ok(()),
            Came::Message(message) => {
                let seq = message["sequenceNumber"].as_i64().unwrap_or_default();
                self.note(&format!("got {seq}"));
                let step = course.message(&message, &mut self.place, seat.way == Way::EventStream);
                if step == Ok(Step::Known) {
                    count(&world.counts.known);
                }
                if step == Ok(Step::New) {
                    count(&world.counts.delivered);
                    if seat.habit != Habit::Slow {
                        world.late.came(&message, || self.tale());
                    }
                }
                world.rooms[seat.room].sheet.compare(seq, &message).map_err(End::Wrong)?;
                step.map(|_| ())
            }
        };
        world.counts.owed.fetch_add((course.owed.len() - owed) as u64, Ordering::Relaxed);
        seat.place.store(self.place, Ordering::SeqCst);
        judged.map_err(|wrong| End::Wrong(wrong.to_string()))
    }

    fn note(&mut self, what: &str) {
        if self.memory.len() == REMEMBERED {
            self.memory.pop_front();
        }
        self.memory.push_back(format!("{:.2} {what}", self.began.elapsed().as_secs_f64()));
    }

    fn complain(&mut self, what: &str) {
        self.world.wrong(format!("{what}; {}", self.tale()));
        self.memory.clear();
    }

    fn tale(&self) -> String {
        let seat = &self.world.clients[self.number];
        let room = self.world.rooms[seat.room].id;
        let before = self.memory.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let Seat { habit, way, .. } = seat;
        format!("room {room}, client {} ({habit:?}, {way:?}), by its seconds: {before}", self.number)
    }
}
