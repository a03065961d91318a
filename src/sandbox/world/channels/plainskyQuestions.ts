/** A post longer than Telegram's 4,096 characters, as feeds and exports bring them. */

/** Readers' questions, answered in one go. */
export const plainskyQuestions = `[b]Twelve questions you sent us this autumn[/b]

You wrote more than two hundred letters, and many of them asked the same things. Here are the answers in one long post. Make some tea first.

[b]1. Why does the Moon look bigger at the horizon?[/b]
It does not. Hold a coin at arm's length against it when it rises and again at midnight: the coin covers it equally well. Near the horizon the eye compares the disc with trees and roofs and decides that it must be huge. Turn around, bend down and look at it between your knees, and the giant shrinks at once. Please mind the neighbours.

[b]2. Can plants hear?[/b]
They have no ears, but they react to vibration. In a greenhouse in Pell, evening primroses made their nectar sweeter within three minutes when the researchers played them the hum of a bee. At the pitch of a mosquito they did nothing. The petals act like a dish and pick up the shaking; cut flowers without petals stayed indifferent.

[b]3. How deep could one dig by hand?[/b]
Until the walls give way or the water comes. The well at Norrholm, dug with spades over four winters, reaches 116 metres. The men at the bottom worked by candlelight and read the time from the ringing of the church bell, which arrived down there as a faint tap on the rock.

[b]4. Why is it so hard to fold paper eight times?[/b]
Each fold doubles the layers and each layer has to bend around all the others. By the eighth time there are 256 of them, and the fold eats up more paper than is left. With a strip as long as a street somebody has managed twelve. The trick was length alone, since the thickness stays the enemy.

[b]5. Do fish sleep?[/b]
Most of them do, with open eyes, for lack of lids. Parrotfish even wrap themselves in a bag of slime for the night, and it takes them half an hour to make it. A diver who tears it by accident owes the fish a good deal of work.

[b]6. Is a cold brewed by going out with wet hair?[/b]
The virus does it, not the hair. But cold air dries the nose, and a dry nose keeps out less. In a winter experiment with 90 volunteers, those who sat with their feet in cold water reported more sneezing during the next days. Nobody knows how many of them simply noticed it more, so the matter stays open.

[b]7. What is the quietest place there is?[/b]
A chamber in Orfield lined with wedges of foam. After some minutes one hears one's own heart, then the joints, then a high whistle that may be the nerves themselves. The longest stay so far was 67 minutes. The record holder said that the worst part was his stomach.

[b]8. Why do onions make us cry?[/b]
Because the knife breaks two rooms in the same cell. What was kept apart in them meets and turns into a gas that becomes a weak acid on the wet surface of the eye. A sharp blade breaks fewer cells and a cold onion gives off less gas. Swimming goggles work best and look worst.

[b]9. Could we hear an explosion in space?[/b]
Not through empty space, since sound needs something to push against. But the cloud of gas from the explosion carries sound, and when it reaches your ship you would hear it arrive, once, as a hiss that lasts for as long as the cloud passes. Film makers may write to us for further advice.

[b]10. Are there colours nobody has seen?[/b]
In a way. Three kinds of cells in the eye always answer together, and their answers overlap. With a laser that hits single cells, five people have been shown light that touches only one kind. They described a green beyond green and could not mix it from anything on the table. Four of the five asked to go again.

[b]11. How long does a footprint last?[/b]
On a beach it lasts until the tide, in a cave some thousands of years, and on the Moon until a small stone from space happens to fall on it. In the clay of the Tessel estuary a child's steps have lasted for 9,000 years, beside those of a crane. The two were walking in opposite directions.

[b]12. What do you do all day?[/b]
We read, we call people who know more than we do, and we throw away two stories of three because nobody can tell us how they were measured. Then we write the third one as short as we can. This post is the exception. 👩‍🚀👨🏽‍🚀

Thank you for asking. Send the next questions to @plainsky_lab with the word “why” in the first line, and tell us where you live: the sky is not the same everywhere.`
