// The gotd client (github.com/gotd/td, layer 198) against Postroom's sandbox Telegram: signs in, reads a channel,
// posts on another, and checks every answer. Usage: gotd-client <sandbox.json> <transport>. Exits 1 on a difference.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"time"

	"github.com/gotd/td/session"
	"github.com/gotd/td/telegram"
	"github.com/gotd/td/telegram/dcs"
	"github.com/gotd/td/telegram/downloader"
	"github.com/gotd/td/telegram/uploader"
	"github.com/gotd/td/tg"
	"github.com/gotd/td/tgerr"
	"github.com/gotd/td/transport"
)

type sandbox struct {
	Port      int    `json:"port"`
	Pem       string `json:"pem"`
	BotToken  string `json:"botToken"`
	Username  string `json:"username"`
	Posts     int    `json:"posts"`
	PhotoHash string `json:"photoHash"`
	Picture   string `json:"picture"`
}

func check(ok bool, fact string, got ...any) {
	if !ok {
		fmt.Println("FAIL", fact, fmt.Sprint(got...))
		os.Exit(1)
	}
	fmt.Println("ok  ", fact)
}

func must(err error, fact string) { check(err == nil, fact, err) }

func sentIDs(updates tg.UpdatesClass) (ids []int) {
	full, ok := updates.(*tg.Updates)
	check(ok, "a send is answered with updates")
	for _, update := range full.Updates {
		if id, ok := update.(*tg.UpdateMessageID); ok {
			ids = append(ids, id.ID)
		}
	}
	return ids
}

func main() {
	raw, err := os.ReadFile(os.Args[1])
	must(err, "the sandbox is described")
	var box sandbox
	must(json.Unmarshal(raw, &box), "the description is JSON")
	block, _ := pem.Decode([]byte(box.Pem))
	key, err := x509.ParsePKCS1PublicKey(block.Bytes)
	must(err, "the public key is PKCS#1")
	protocol := map[string]dcs.Protocol{
		"full": transport.Full, "intermediate": transport.Intermediate,
		"padded": transport.PaddedIntermediate, "abridged": transport.Abridged,
	}[os.Args[2]]

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client := telegram.NewClient(1, "hash", telegram.Options{
		DC:             2,
		DCList:         dcs.List{Options: []tg.DCOption{{ID: 2, IPAddress: "127.0.0.1", Port: box.Port}}},
		Resolver:       dcs.Plain(dcs.PlainOptions{Protocol: protocol}),
		PublicKeys:     []telegram.PublicKey{{RSA: key}},
		NoUpdates:      true,
		SessionStorage: &session.StorageMemory{},
	})
	must(client.Run(ctx, func(ctx context.Context) error {
		_, err := client.Auth().Bot(ctx, box.BotToken)
		must(err, "a bot token signs in")
		self, err := client.Self(ctx)
		must(err, "the client knows itself")
		check(self.Username == box.Username, "it is the account of the token", self.Username)
		read(ctx, client.API(), box)
		publish(ctx, client.API(), box, time.Now().UnixNano())
		return nil
	}), "the session ends in order")
}

func resolve(ctx context.Context, api *tg.Client, name string) *tg.Channel {
	answer, err := api.ContactsResolveUsername(ctx, &tg.ContactsResolveUsernameRequest{Username: name})
	must(err, "a user name resolves: "+name)
	channel, ok := answer.Chats[0].(*tg.Channel)
	check(ok && channel.Username == name, "it is a channel")
	return channel
}

func read(ctx context.Context, api *tg.Client, box sandbox) {
	source := resolve(ctx, api, "source_channel")
	var ids []int
	for offset := 0; ; {
		answer, err := api.MessagesGetHistory(ctx, &tg.MessagesGetHistoryRequest{Peer: source.AsInputPeer(), OffsetID: offset, Limit: 100})
		must(err, "a page of history")
		page := answer.(*tg.MessagesChannelMessages).Messages
		for _, message := range page {
			ids = append(ids, message.GetID())
		}
		if len(page) < 100 {
			break
		}
		offset = page[len(page)-1].GetID()
	}
	check(len(ids) == box.Posts && ids[0] == box.Posts && ids[len(ids)-1] == 1, "history is complete, newest first", ids)

	answer, err := api.ChannelsGetMessages(ctx, &tg.ChannelsGetMessagesRequest{Channel: source.AsInput(), ID: []tg.InputMessageClass{&tg.InputMessageID{ID: 1}, &tg.InputMessageID{ID: 2}}})
	must(err, "messages by id")
	messages := answer.(*tg.MessagesChannelMessages).Messages
	rich := messages[0].(*tg.Message)
	link, ok := rich.Entities[1].(*tg.MessageEntityTextURL)
	check(ok && link.URL == "https://t.me/+a__b", "a link entity keeps its plus and underscores")
	photo := messages[1].(*tg.Message).Media.(*tg.MessageMediaPhoto).Photo.(*tg.Photo)
	var file bytes.Buffer
	location := &tg.InputPhotoFileLocation{ID: photo.ID, AccessHash: photo.AccessHash, FileReference: photo.FileReference, ThumbSize: "x"}
	_, err = downloader.NewDownloader().Download(api, location).Stream(ctx, &file)
	must(err, "a photo downloads")
	hash := sha256.Sum256(file.Bytes())
	check(hex.EncodeToString(hash[:]) == box.PhotoHash, "its bytes are the ones posted")

	_, err = api.MessagesGetHistory(ctx, &tg.MessagesGetHistoryRequest{Peer: &tg.InputPeerChannel{ChannelID: source.ID, AccessHash: source.AccessHash + 1}, Limit: 1})
	check(tgerr.Is(err, "CHANNEL_INVALID"), "a wrong access hash is refused", err)
	_, err = api.MessagesSendMessage(ctx, &tg.MessagesSendMessageRequest{Peer: source.AsInputPeer(), Message: "no", RandomID: 1})
	check(tgerr.Is(err, "CHAT_WRITE_FORBIDDEN"), "a channel of others refuses posts", err)
}

func publish(ctx context.Context, api *tg.Client, box sandbox, random int64) {
	target := resolve(ctx, api, "target_channel")
	peer := target.AsInputPeer()
	text := &tg.MessagesSendMessageRequest{Peer: peer, Message: "жhi 😀 from gotd", RandomID: random}
	text.SetEntities([]tg.MessageEntityClass{&tg.MessageEntityBold{Offset: 0, Length: 3}})
	first, err := api.MessagesSendMessage(ctx, text)
	must(err, "a text is posted")
	second, err := api.MessagesSendMessage(ctx, text)
	must(err, "the same random id is answered again")
	check(fmt.Sprint(sentIDs(first)) == fmt.Sprint(sentIDs(second)), "with the same message")

	picture, _ := base64.StdEncoding.DecodeString(box.Picture)
	var album []tg.InputSingleMedia
	for index := range 2 {
		file, err := uploader.NewUploader(api).FromBytes(ctx, "a.jpg", picture)
		must(err, "a picture uploads")
		stored, err := api.MessagesUploadMedia(ctx, &tg.MessagesUploadMediaRequest{Peer: peer, Media: &tg.InputMediaUploadedPhoto{File: file}})
		must(err, "it is stored")
		photo := stored.(*tg.MessageMediaPhoto).Photo.(*tg.Photo)
		album = append(album, tg.InputSingleMedia{
			Media:    &tg.InputMediaPhoto{ID: &tg.InputPhoto{ID: photo.ID, AccessHash: photo.AccessHash, FileReference: photo.FileReference}},
			RandomID: random + 1 + int64(index), Message: fmt.Sprint("caption ", index),
		})
	}
	group, err := api.MessagesSendMultiMedia(ctx, &tg.MessagesSendMultiMediaRequest{Peer: peer, MultiMedia: album})
	must(err, "an album is posted")
	check(len(sentIDs(group)) == 2, "of two messages")

	long := make([]byte, 4097)
	for index := range long {
		long[index] = 'x'
	}
	_, err = api.MessagesSendMessage(ctx, &tg.MessagesSendMessageRequest{Peer: peer, Message: string(long), RandomID: random + 9})
	check(tgerr.Is(err, "MESSAGE_TOO_LONG"), "4097 characters are too long", err)

	id := sentIDs(first)[0]
	edit := &tg.MessagesEditMessageRequest{Peer: peer, ID: id}
	edit.SetMessage("edited by gotd")
	_, err = api.MessagesEditMessage(ctx, edit)
	must(err, "a post is edited")
	gone, err := api.ChannelsDeleteMessages(ctx, &tg.ChannelsDeleteMessagesRequest{Channel: target.AsInput(), ID: []int{id}})
	must(err, "a post is deleted")
	check(gone.PtsCount == 1, "one post is gone")
}
