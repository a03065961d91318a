/** A science channel in English. All people, places and results are invented. */
import type { DemoChannel } from "../DemoPost.ts"
import { ad, album, photo, story } from "../DemoPost.ts"
import { plainskyQuestions } from "./plainskyQuestions.ts"

/** `@plainsky_lab`. */
export const plainskyLab: DemoChannel = {
  id: "1700000001",
  username: "plainsky_lab",
  title: "Plain Sky: science notes",
  language: "en",
  posts: [
    story(
      "sci-moss",
      71,
      `[b]Moss that drinks fog[/b]

A team on the Aldery coast has measured how much water a cushion of moss takes out of fog in one night. A patch the size of a dinner plate collected 38 millilitres between dusk and dawn, almost all of it on hairs thinner than a spider's thread. By noon the plant had given half of it back to the air, which keeps the ground around it two degrees cooler.

The researchers now want to copy the hairs in nylon and hang them above a vegetable garden.`,
      { media: photo("nature") }
    ),
    story(
      "sci-owl",
      68,
      `Why is an owl so quiet? 🦉 Part of the answer sits at the trailing edge of the wing. Under a microscope the feathers end in a fringe, and the fringe breaks one big whirl of air into hundreds of small ones.

Engineers at the Dunmore wind tunnel glued a plastic fringe to a desk fan. At the same flow of air it was 4.5 decibels quieter, and the motor drew no more power than before.`
    ),
    story(
      "sci-comet",
      64,
      `[b]A comet with two tails, and one of them points the wrong way[/b]

Amateur astronomer Ines Halloran photographed comet Verey last Tuesday and saw a faint spike aimed straight at the Sun. It is no mistake of the camera. When the Earth crosses the plane of a comet's orbit, dust left behind weeks ago is seen edge-on and looks like a tail in front.

The view lasts three nights. Look west, forty minutes after sunset, a hand's width above the horizon. ☄️`,
      { media: album("science", "science", "nature"), editedAfterMinutes: 35 }
    ),
    story(
      "sci-mice",
      60,
      `Mice remember a smell for longer when they have slept directly after meeting it. In a study with 46 animals, the sleepers found the hidden seed two days later in 31 seconds on average, the others needed almost a minute and a half.

The effect vanished when the nap came four hours late. “There is a window, and it closes,” says Pradeep Lunn, who led the work.`
    ),
    ad(
      "sci-ad-course",
      57,
      `Want to finally understand statistics? 📊 Our friends at Meridian Academy have opened a six-week course with live seminars and homework that gets checked.

Use promo code PLAINSKY20 until Sunday and save on the full price. Order now: https://meridian.example/stats?utm_source=plainsky

#ad`
    ),
    story(
      "sci-concrete",
      54,
      `Concrete that heals itself usually needs bacteria or capsules. A group in Tarrow tried something cheaper: ground eggshells and a pinch of sugar. Cracks up to 0.3 mm closed within nineteen days in a damp chamber, and the repaired beams carried 87 percent of their first load.

The catch is the setting time. With the sugar, fresh concrete stays soft for a day longer, so for now it suits paving slabs better than bridges.`,
      { media: photo("abstract") }
    ),
    story(
      "sci-whale",
      50,
      `A hydrophone off Cape Sorrel has recorded a whale that sings the song of another ocean. The animal arrived in August, alone, and for three weeks repeated phrases known only from the far side of the continent. By October, four local males had picked up the chorus. 🐋

Notes and a spectrogram: https://plainsky.example/notes/whale__song__2

Songs do travel, says biologist Maud Ekberg, but nobody had caught one at the moment it changed hands.`
    ),
    story(
      "sci-clock",
      47,
      `[b]A clock for the bottom of the sea[/b]

Seismometers on the sea floor lose time because no satellite signal reaches them. The new clock from the Ostry institute drifts by less than a thousandth of a second in a year and runs on one battery the size of a wine bottle. Twelve of them go down next spring along the Hallgren trench.

With clocks that agree, the position of a small quake can be told to about 200 metres instead of two kilometres.`,
      { media: photo("science") }
    ),
    story(
      "sci-team",
      43,
      `Behind the scenes: this is the team that keeps the radio dish at Low Fell pointing where it should. 👩‍🔬👨‍🔧👩🏽‍💻 The dish is 46 years old, its bearings are 46 years old, and the grease is from this morning.

Last night they followed a pulsar for nine hours without one break. A record for the house.`,
      { media: album("science", "city") }
    ),
    story("sci-long", 40, plainskyQuestions),
    story(
      "sci-battery",
      36,
      `Salt water instead of lithium: a school in Brackwater has been storing its solar power in three tanks of brine since last winter. The battery is heavy and slow, it gives back only 61 percent of what goes in, but it cannot burn and its parts come from a plumber's shop.

Physics teacher Joan Abara lets her classes take the readings. After 300 cycles the tanks had lost 2 percent of their capacity.`,
      { media: photo("city") }
    ),
    story(
      "sci-ants",
      31,
      `Ants that carry a crumb together do not vote. They pull, and whoever has last been outside the nest pulls in the right direction. The newcomer's knowledge is worth about ten seconds, then it has lost its way as well and the next scout takes over. 🐜

The paper with the tracks of 1,400 ants is open to read: https://plainsky.example/notes/ants?page=2&lang=en`
    ),
    ad(
      "sci-ad-telescope",
      28,
      `[b]Sponsored[/b]

The Lumen 90 is a telescope that fits into a rucksack: aligned in five minutes, Saturn's rings on the first evening. This week only there is 25% off for readers of this channel. Shop now at https://lumen.example/90?ref=plainsky`,
      { media: photo("science") }
    ),
    story(
      "sci-glass",
      24,
      `Is glass a slow liquid? No. The windows of old churches are thicker at the bottom because the glaziers put the heavy edge there. A lab in Corvin has now put a number on it: at room temperature a pane would need longer than the age of the universe to sag by the width of an atom.

[i]So the story is older than most windows, and just as hard to get rid of.[/i]`
    ),
    story(
      "sci-rover",
      19,
      `The little rover Pebble has stood on its crater rim for a week because of one stone under its left wheel. Yesterday the controllers tried backwards, sideways and then backwards again with the camera mast lowered to shift the weight. At 03:12 it rolled free. 🎉

The film below is put together from eight frames of the navigation camera.`,
      { media: { kind: "video" } }
    ),
    story(
      "sci-bread",
      13,
      `Sourdough keeps time. Bakers' cultures from eleven villages were fed at different hours for a month, and each began to rise shortly [i]before[/i] its usual meal. Yeast has no brain, yet something in it counts to twenty-four. The likely clock is a sugar that builds up and is burned off once a day.`
    ),
    story(
      "sci-club",
      7,
      `Our reading club meets again on Thursday at 19:00. This month's book is about the history of the thermometer, and you do not need to have finished it. 📚

The door code and the list of seats are in the chat: t.me/+Qw8xSky1LabClub`
    ),
    story(
      "sci-lake",
      2,
      `[b]A lake that breathes once a year[/b]

Lake Onder turns over on a single night in November. Cold water from the surface sinks, the warm layer from below comes up, and with it methane that has been waiting since spring. Sensors counted 5.2 tonnes of the gas in eleven hours.

It sounds like much, yet a herd of fifty cows needs about a year for the same. What is new is the timing: had the boats gone out a day later, they would have seen nothing at all.`,
      { media: photo("nature") }
    )
  ]
}
